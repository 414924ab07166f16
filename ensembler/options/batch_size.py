"""How many photos a step fit into memory."""

from __future__ import annotations

import math

from ..backbones.registry import Backbone

MIN_BATCH_SIZE, MAX_BATCH_SIZE = 4, 64
# Where nothing is known of a backbone.
DEFAULT_BATCH_SIZE = 32
# The rest is for what frameworks keep beside: workspaces of convolutions, fragments, the photos themselves.
MEMORY_SHARE = 0.5
# Weights, gradients and AdamW's two moments, in float32.
_BYTES_PER_PARAMETER = 16


def choose_batch_size(backbone: Backbone, image_size: int, memory_bytes: int) -> int:
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
        return DEFAULT_BATCH_SIZE
    free_bytes = MEMORY_SHARE * memory_bytes - _BYTES_PER_PARAMETER * backbone.parameters
    max_photos = free_bytes / (backbone.activations * image_size**2)
    return int(min(MAX_BATCH_SIZE, max(MIN_BATCH_SIZE, 2 ** math.floor(math.log2(max(max_photos, 1))))))
