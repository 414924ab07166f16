"""How much work training is, so that the time left can be told before a member's speed is known.

The unit is a photo's way through a network that has a million bytes of activations. The time that a network takes goes
with their size rather than with that of its weights (Radosavovic et al., Designing Network Design Spaces, 2020). It is
a rough measure between families, so a display rests on it only until the first job of a member was measured.
"""

from __future__ import annotations

from dataclasses import replace

from ..backbones.registry import Backbone
from ..images.views import MIRRORED_VIEW, VIEWS, WHOLE_VIEW
from ..options.phases import Phase
from ..options.settings import MemberSettings

# Forwards, then backwards twice: for the gradients of what enters each layer, and for those of its weights.
TRAINING_PASSES = 3
# Bytes of activations a pixel, of a backbone of which that is not known.
DEFAULT_ACTIVATIONS = 2_000


def estimate_photo_work(backbone: Backbone, image_size: int) -> float:
    """Tell the work of one photo's way forwards."""
    return (backbone.activations or DEFAULT_ACTIVATIONS) * image_size**2 / 1e6


def scale_epochs(settings: MemberSettings, share: float) -> MemberSettings:
    """Return settings with so large a share of the epochs, as a time budget leaves of them; at least one a phase."""
    phases = tuple(replace(phase, epochs=max(1, round(share * phase.epochs))) for phase in settings.phases)
    return replace(settings, phases=phases)


def estimate_training_work(settings: MemberSettings, backbone: Backbone, learned: int, evaluated: int) -> float:
    """Tell the work of all epochs of a fold that learns from so many photos and is judged on so many."""
    passes = sum(phase.epochs * (_count_passes(phase) * learned + evaluated) for phase in settings.phases)
    return passes * estimate_photo_work(backbone, settings.image_size)


def _count_passes(phase: Phase) -> int:
    # Under a frozen backbone, nothing goes backwards but through the head.
    return 1 if phase.unfreeze == "none" else TRAINING_PASSES


def estimate_prediction_work(settings: MemberSettings, backbone: Backbone, photos: int) -> float:
    """Tell the work of predicting photos from all their views."""
    return photos * len(VIEWS[settings.tta]) * estimate_photo_work(backbone, settings.image_size)


def estimate_job_work(
    settings: MemberSettings, backbone: Backbone, training: int, held_out: int, test: int, folds: int
) -> float:
    """Tell the work of a job that trains so many folds.

    Parameters
    ----------
    training, held_out, test
        Photos with a label, those of them that a fold holds out, and photos to predict.
    """
    if settings.frozen:
        # Features that are cached already are told by the job itself.
        views = {*VIEWS[settings.tta], WHOLE_VIEW, *([MIRRORED_VIEW] if settings.flips else [])}
        return (training + test) * len(views) * estimate_photo_work(backbone, settings.image_size)
    learning = estimate_training_work(settings, backbone, training - held_out, held_out)
    return folds * (learning + estimate_prediction_work(settings, backbone, held_out + test))
