"""Batch sizes that fit into memory."""

from __future__ import annotations

import math

from ..backbones.registry import Backbone

MIN_BATCH_SIZE, MAX_BATCH_SIZE = 4, 64
# Batch size on a CPU, and for backbones of unknown size.
DEFAULT_BATCH_SIZE = 32
# Workspaces of convolutions, fragmentation and the photos use the rest.
MEMORY_SHARE = 0.5
# Weights, gradients and AdamW's two moments, in float32.
_BYTES_PER_PARAMETER = 16


def choose_batch_size(backbone: Backbone, image_size: int, memory_bytes: int) -> int:
    """Choose the batch size of fine-tuning: the largest power of two that fits, from 4 to 64.

    Parameters
    ----------
    backbone
        Backbone whose parameters and activations must fit. A custom one gets 32.
    image_size
        Height and width in pixels.
    memory_bytes
        Memory of the device. Half of it is used.
    """
    if not backbone.activations:
        return DEFAULT_BATCH_SIZE
    free_bytes = MEMORY_SHARE * memory_bytes - _BYTES_PER_PARAMETER * backbone.parameters
    max_photos = free_bytes / (backbone.activations * image_size**2)
    return int(min(MAX_BATCH_SIZE, max(MIN_BATCH_SIZE, 2 ** math.floor(math.log2(max(max_photos, 1))))))
