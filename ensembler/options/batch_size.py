"""How many photos a step fit into memory."""

from __future__ import annotations

import math

from ..backbones.registry import Backbone

LEAST, MOST = 4, 64
# Where nothing is known of a backbone.
USUAL = 32
# The rest is for what frameworks keep beside: workspaces of convolutions, fragments, the photos themselves.
SHARE = 0.5
# Weights, gradients and AdamW's two moments, in float32.
_BYTES_A_PARAMETER = 16


def default_batch_size(backbone: Backbone, image_size: int, memory_bytes: int) -> int:
    """Choose the photos a step of fine-tuning: the largest power of two that fits, from 4 to 64.

    Parameters
    ----------
    backbone
        Its parameters and activations count; one of a person's own gets 32.
    image_size
        Height and width in pixels.
    memory_bytes
        Of the device; half of it is used.
    """
    if not backbone.activations:
        return USUAL
    room = SHARE * memory_bytes - _BYTES_A_PARAMETER * backbone.parameters
    fitting = room / (backbone.activations * image_size**2)
    return int(min(MOST, max(LEAST, 2 ** math.floor(math.log2(max(fitting, 1))))))
