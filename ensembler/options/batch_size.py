"""The memory of training, and batch sizes that fit into it."""

from __future__ import annotations

import math

from ..backbones.registry import Backbone

MIN_BATCH_SIZE, MAX_BATCH_SIZE = 4, 64
# Batch size on a CPU, and for backbones of unknown size.
DEFAULT_BATCH_SIZE = 32
# Workspaces of convolutions, fragmentation and the photos use the rest.
MEMORY_SHARE = 0.5
# A weight in float32.
BYTES_PER_WEIGHT = 4
# Weights, gradients and AdamW's two moments.
_COPIES_IN_TRAINING = 4


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
    free_bytes = MEMORY_SHARE * memory_bytes - estimate_training_bytes(backbone, image_size, 0)
    max_photos = free_bytes / estimate_activation_bytes(backbone, image_size, 1)
    return int(min(MAX_BATCH_SIZE, max(MIN_BATCH_SIZE, 2 ** math.floor(math.log2(max(max_photos, 1))))))


def estimate_training_bytes(backbone: Backbone, image_size: int, batch_size: int) -> int:
    """Estimate the memory of weights, gradients, moments, and of the activations of a batch."""
    weights = _COPIES_IN_TRAINING * BYTES_PER_WEIGHT * backbone.parameters
    return weights + estimate_activation_bytes(backbone, image_size, batch_size)


def estimate_activation_bytes(backbone: Backbone, image_size: int, batch_size: int) -> int:
    """Estimate the memory of all activations of a batch."""
    return batch_size * backbone.activations * image_size**2
