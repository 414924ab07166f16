"""The work of training, from which the time left is estimated before a member's speed is known.

The unit is one forward pass of a photo through a network with a million bytes of activations. A network's running time
follows the size of its activations rather than its number of weights (Radosavovic et al., Designing Network Design
Spaces, 2020). The measure is rough between families, so it is used only until a job of the member has been timed.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from ..backbones.registry import Backbone
from ..images.views import VIEWS
from ..options.settings import MemberSettings
from .features.views import list_feature_views

# One forward pass, and two backward passes for the gradients of each layer's inputs and weights.
TRAINING_PASSES = 3
# Bytes of activations per pixel of a backbone for which they are unknown.
DEFAULT_ACTIVATIONS = 2_000


# Least work of a shard without and with a GPU: about a minute on typical machines, a quarter of which is the start of a
# process.
MIN_SHARD_WORK, MIN_SHARD_WORK_ON_GPU = 3e5, 6e6
# Largest part of a slot's share of all work that one shard may have, so that no slot is busy long after the others.
_LARGEST_PART = 0.5


def count_shards(work: float, total: float, slots: int, *, on_gpu: bool) -> int:
    """Return the number of shards: enough to share the work among all slots, and none that is tiny.

    Parameters
    ----------
    work
        Work to divide.
    total
        Work that slots can do at the same time.
    slots
        Number of jobs that run at a time.
    on_gpu
        Whether each job has a GPU.

    Returns
    -------
    int
        Number of shards, at most ``slots``, or 0 if the whole work is tiny.
    """
    if not work:
        return 0
    wanted = ceil(work / (_LARGEST_PART * total / slots))
    return min(slots, wanted, int(work / (MIN_SHARD_WORK_ON_GPU if on_gpu else MIN_SHARD_WORK)))


def estimate_photo_work(backbone: Backbone | None, image_size: int) -> float:
    """Estimate the work of one photo's forward pass. None stands for an unknown backbone."""
    return ((backbone and backbone.activations) or DEFAULT_ACTIVATIONS) * image_size**2 / 1e6


def scale_epochs(settings: MemberSettings, share: float) -> MemberSettings:
    """Return settings with a fraction of the epochs, at least one per phase, as a time budget allows."""
    phases = tuple(replace(phase, epochs=max(1, round(share * phase.epochs))) for phase in settings.phases)
    return replace(settings, phases=phases)


def estimate_training_work(settings: MemberSettings, backbone: Backbone, learned: int, evaluated: int) -> float:
    """Estimate the work of all epochs of a fold with ``learned`` training and ``evaluated`` evaluation photos."""
    passes = 0
    for phase in settings.phases:
        # A frozen backbone has no backward pass.
        passes += phase.epochs * ((1 if phase.unfreeze == "none" else TRAINING_PASSES) * learned + evaluated)
    return passes * estimate_photo_work(backbone, settings.image_size)


def estimate_prediction_work(settings: MemberSettings, backbone: Backbone, photos: int) -> float:
    """Estimate the work of predicting all views of photos."""
    return photos * len(VIEWS[settings.tta]) * estimate_photo_work(backbone, settings.image_size)


def estimate_job_work(
    settings: MemberSettings,
    backbone: Backbone,
    training: int,
    held_out: int,
    test: int,
    folds: int,
    rows_per_photo: int = 1,
) -> float:
    """Estimate the work of a job that trains ``folds`` folds.

    Parameters
    ----------
    training, held_out, test
        Number of rows of labelled photos, of photos that each fold holds out, and of photos to predict.
    rows_per_photo
        Number of rows of which an epoch draws one.
    """
    if settings.frozen:
        # The job itself reports features that are already cached.
        views = list_feature_views(settings)
        return (training + test) * len(views) * estimate_photo_work(backbone, settings.image_size)
    learning = estimate_training_work(settings, backbone, (training - held_out) // rows_per_photo, held_out)
    return folds * (learning + estimate_prediction_work(settings, backbone, held_out + test))
