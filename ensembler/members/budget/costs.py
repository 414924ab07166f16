"""Estimates of the seconds of a training, from measured speeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...competition.folds.folds import Folds
from ...images.photo_source import can_fit_in_memory
from ...images.views import VIEWS
from ...inference.speeds import TrainingSpeed
from ...options.settings import MemberSettings
from ..allotment import PhaseEpochs

# Seconds to score a fold and write its tables.
_FOLD_FILES_SECONDS = 0.3


@dataclass(frozen=True)
class NetworkCost:
    """Estimated seconds of one network, or of all heads of a frozen member, until its last file is written.

    Attributes
    ----------
    member, fold
        Number of the member, and number of its fold.
    begin
        Time before the first epoch.
    phases
        Epochs of each phase, which can be cut.
    finish
        Time after the last epoch.
    """

    member: int
    fold: int
    begin: float
    phases: tuple[PhaseEpochs, ...] = ()
    finish: float = 0.0

    def estimate_seconds(self, share: float) -> float:
        """Estimate all seconds at a share of the requested epochs."""
        return self.begin + self.finish + sum(phase.estimate_seconds_left(share) for phase in self.phases)


# Networks that one process trains in sequence.
JobCosts = Sequence[NetworkCost]


def scale_speed(speed: TrainingSpeed, before: int, now: int) -> TrainingSpeed:
    """Estimate the speed at another image size. Convolutions take time per pixel, decoding takes time per file."""
    share = (now / before) ** 2
    return replace(
        speed,
        predict=max(speed.decode, speed.predict * share),
        view=speed.view * share,
        phases=tuple(replace(phase, photo=phase.photo * share) for phase in speed.phases),
    )


def price_features(speed: TrainingSpeed, photos: int, views: int) -> float:
    """Estimate the seconds of the frozen features of photos in some views, without the start of a process."""
    if not views:
        return 0.0
    return photos * (speed.predict + (views - 1) * speed.view) + views * speed.compile + speed.build


def price_member(
    member: int,
    settings: MemberSettings,
    speed: TrainingSpeed,
    folds: Folds,
    test: int,
    unfinished: Sequence[int],
    *,
    missing_views: int,
    rows_per_photo: int = 1,
    shares_process: bool,
) -> list[JobCosts]:
    """Estimate the seconds of a member's jobs.

    Parameters
    ----------
    member
        Number of the member.
    test
        Number of photos to predict.
    unfinished
        Folds to train, at least one.
    missing_views
        Number of views whose frozen features are needed and not cached. The first job computes them.
    rows_per_photo
        Number of rows of which an epoch draws one.
    shares_process
        Whether one process trains all folds.
    """
    held_out = folds.held_out_count
    learned, views = len(folds.labels) - held_out, len(VIEWS[settings.tta])
    head = speed.head * learned * (2 if settings.flips else 1)
    features = price_features(speed, learned + held_out + test, missing_views)
    if settings.frozen:
        heads = speed.save + len(unfinished) * (head + _FOLD_FILES_SECONDS)
        return [[NetworkCost(member, unfinished[0], speed.start_up + speed.build + features + heads)]]
    # In 16-bit training, a second network predicts.
    networks = 1 if settings.precision == "float32" else 2
    begin = networks * (speed.build + (head if settings.head == "fitted" else 0.0))
    photos = learned // rows_per_photo
    if can_fit_in_memory(photos, settings.image_size):
        begin += photos * speed.decode
    phases = tuple(
        PhaseEpochs(
            phase.epochs,
            photos * each.photo + each.epoch + held_out * speed.predict,
            each.first + (0.0 if number else speed.compile),
        )
        for number, (phase, each) in enumerate(zip(settings.phases, speed.phases, strict=True))
    )
    predictions = (held_out + test) * (speed.predict + (views - 1) * speed.view)
    finish = predictions + speed.compile + speed.save + _FOLD_FILES_SECONDS
    costs = [
        NetworkCost(
            member,
            fold,
            begin + (0.0 if number and shares_process else speed.start_up) + (0.0 if number else features),
            phases,
            finish,
        )
        for number, fold in enumerate(unfinished)
    ]
    return [costs] if shares_process else [[cost] for cost in costs]
