"""What training costs: seconds of each piece of work, from speeds that were measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ...competition.folds.folds import FALLBACK_FOLDS
from ...images.photo_source import can_fit_in_memory
from ...images.views import VIEWS
from ...options.settings import MemberSettings
from ..allotment import PhaseEpochs

# To score a fold and write its tables.
_FOLD_FILES_SECONDS = 0.3
# Predicting one photo and a batch for about a second each, or a slow network by so many batches.
_SPEED_TEST_SECONDS, _SPEED_TEST_BATCHES = 2.0, 5


@dataclass(frozen=True)
class PhaseSpeed:
    """Seconds of training in one phase.

    Attributes
    ----------
    photo
        To learn from one photo once.
    epoch
        That an epoch takes beyond its photos.
    first
        That the first steps take beyond others, to compile.
    """

    photo: float
    epoch: float
    first: float


@dataclass(frozen=True)
class Speeds:
    """Seconds of a member's pieces of work on one machine.

    Attributes
    ----------
    start_up
        Of a job's process, until libraries are loaded.
    build, save
        Of the network.
    decode
        A photo, by all processors together.
    predict
        A photo in one view, decoding included.
    network
        A photo in each further view.
    predict_first
        To compile the prediction.
    head
        For each row that a head is fitted on.
    phases
        Of fine-tuning.
    """

    start_up: float
    build: float
    save: float
    decode: float
    predict: float
    network: float
    predict_first: float
    head: float
    phases: tuple[PhaseSpeed, ...]

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Speeds:
        """Read what :meth:`to_json` made."""
        return cls(**{**data, "phases": tuple(PhaseSpeed(**phase) for phase in data["phases"])})

    def to_json(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return asdict(self)

    def scale_to_size(self, before: int, now: int) -> Speeds:
        """Estimate the speeds at another image size: convolutions take time by the pixel, decoding by the file."""
        share = (now / before) ** 2
        return replace(
            self,
            predict=max(self.decode, self.predict * share),
            network=self.network * share,
            phases=tuple(replace(phase, photo=phase.photo * share) for phase in self.phases),
        )


@dataclass(frozen=True)
class PhotoCounts:
    """Photos of a competition, and the folds that share them.

    Attributes
    ----------
    training, test
        Photos that can be read.
    folds
        How many; each holds out one part of the training photos, a single one a fifth.
    """

    training: int
    test: int
    folds: int

    @property
    def held_out(self) -> int:
        """Photos that one fold holds out."""
        return round(self.training / (self.folds if self.folds > 1 else FALLBACK_FOLDS))

    @property
    def learned(self) -> int:
        """Photos that one fold learns from."""
        return self.training - self.held_out


@dataclass(frozen=True)
class TrainingCost:
    """Seconds of one network from its beginning to its last file.

    Attributes
    ----------
    begin
        Before the first epoch.
    phases
        Epochs that may be cut.
    finish
        After the last epoch.
    """

    begin: float
    phases: tuple[PhaseEpochs, ...] = ()
    finish: float = 0.0

    @property
    def fixed(self) -> float:
        """Seconds that no cut of epochs saves, but for the compilation of each phase."""
        return self.begin + self.finish

    def estimate_seconds(self, share: float) -> float:
        """All seconds at a share of the epochs asked for."""
        return self.fixed + sum(phase.estimate_seconds_left(share) for phase in self.phases)


def estimate_features_seconds(speeds: Speeds, counts: PhotoCounts, missing_views: int) -> float:
    """Seconds of frozen features in views that are not cached."""
    if not missing_views:
        return 0.0
    photos = counts.training + counts.test
    return (
        photos * (speeds.predict + (missing_views - 1) * speeds.network)
        + missing_views * speeds.predict_first
        + speeds.build
    )


def estimate_speed_test_seconds(speeds: Speeds, settings: MemberSettings) -> float:
    """Seconds of measuring how fast the trained network predicts, see :mod:`ensembler.members.jobs.speed`."""
    views = len(VIEWS[settings.tta])
    batches = _SPEED_TEST_BATCHES * settings.batch_size * views * speeds.network
    return max(_SPEED_TEST_SECONDS, batches) + 2 * views * speeds.predict_first


def estimate_frozen_cost(
    speeds: Speeds,
    settings: MemberSettings,
    counts: PhotoCounts,
    heads: int,
    *,
    missing_views: int,
    measures_speed: bool,
) -> TrainingCost:
    """Tell what a frozen member's job costs: its features where they are missing, then ``heads`` heads.

    Parameters
    ----------
    measures_speed
        Whether the speed of its network is measured in the end.
    """
    each = _estimate_head_seconds(speeds, settings, counts) + _FOLD_FILES_SECONDS
    begin = speeds.start_up + speeds.build + speeds.save + estimate_features_seconds(speeds, counts, missing_views)
    return TrainingCost(
        begin + heads * each + (estimate_speed_test_seconds(speeds, settings) if measures_speed else 0.0)
    )


def estimate_fold_cost(
    speeds: Speeds,
    settings: MemberSettings,
    counts: PhotoCounts,
    *,
    missing_views: int,
    starts_process: bool,
    measures_speed: bool,
) -> TrainingCost:
    """Tell what one fold of a fine-tuned member costs.

    Parameters
    ----------
    missing_views
        Views whose frozen features its head needs and that are not cached.
    starts_process
        Whether its process starts with it.
    measures_speed
        Whether the speed of its network is measured in the end.
    """
    # What predicts is another network where training is in 16 bits.
    networks = 1 if settings.precision == "float32" else 2
    head = _estimate_head_seconds(speeds, settings, counts) if settings.head == "fitted" else 0.0
    begin = networks * (speeds.build + head) + estimate_features_seconds(speeds, counts, missing_views)
    if starts_process:
        begin += speeds.start_up
    if can_fit_in_memory(counts.learned, settings.image_size):
        begin += counts.learned * speeds.decode
    predicted = counts.held_out + counts.test
    views = len(VIEWS[settings.tta])
    finish = predicted * (speeds.predict + (views - 1) * speeds.network) + speeds.predict_first + speeds.save
    finish += _FOLD_FILES_SECONDS + (estimate_speed_test_seconds(speeds, settings) if measures_speed else 0.0)
    return TrainingCost(begin, _estimate_phases(speeds, settings, counts), finish)


def _estimate_phases(speeds: Speeds, settings: MemberSettings, counts: PhotoCounts) -> tuple[PhaseEpochs, ...]:
    evaluation_seconds = counts.held_out * speeds.predict
    each: Sequence[tuple[Any, PhaseSpeed]] = list(zip(settings.phases, speeds.phases, strict=True))
    return tuple(
        PhaseEpochs(
            requested=phase.epochs,
            seconds=counts.learned * speed.photo + speed.epoch + evaluation_seconds,
            compile_seconds=speed.first + (speeds.predict_first if number == 0 else 0.0),
        )
        for number, (phase, speed) in enumerate(each)
    )


def _estimate_head_seconds(speeds: Speeds, settings: MemberSettings, counts: PhotoCounts) -> float:
    return speeds.head * counts.learned * (2 if settings.flips else 1)
