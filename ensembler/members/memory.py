"""The main memory of a job, estimated from its network before it runs."""

from __future__ import annotations

from ..backbones.registry import Backbone
from ..images.photo_source import can_fit_in_memory
from ..options.batch_size import BYTES_PER_WEIGHT, estimate_activation_bytes, estimate_training_bytes
from ..options.settings import MemberSettings

# A process with TensorFlow, Keras and pandas, measured without a GPU. CUDA's libraries and buffers are a guess.
BASE_BYTES, GPU_BYTES = 900_000_000, 3_000_000_000
# Part of all activations that exist at one time without backpropagation, measured on three families.
_PREDICTION_SHARE = 1 / 8
# Copies of the weights while another runtime is chosen.
_WEIGHT_COPIES = 2


def estimate_memory(
    settings: MemberSettings, backbone: Backbone, learned: int, *, on_gpu: bool, tuned: bool | None = None
) -> int:
    """Estimate the main memory of a job in bytes. 0 if the network's size is unknown.

    Parameters
    ----------
    learned
        Number of photos that the job keeps decoded if they fit into memory.
    on_gpu
        Whether the network is in the memory of a GPU.
    tuned
        Whether the job trains the backbone. None takes that from the settings.
    """
    if not (backbone.parameters and backbone.activations):
        return 0
    size, tuned = settings.image_size, not settings.frozen if tuned is None else tuned
    photos = 3 * learned * size**2 if tuned and can_fit_in_memory(learned, size) else 0
    if on_gpu:
        return BASE_BYTES + GPU_BYTES + photos
    if tuned:
        return BASE_BYTES + estimate_training_bytes(backbone, size, settings.batch_size) + photos
    weights = _WEIGHT_COPIES * BYTES_PER_WEIGHT * backbone.parameters
    activations = _PREDICTION_SHARE * estimate_activation_bytes(backbone, size, settings.batch_size)
    return int(BASE_BYTES + weights + activations)
