"""What training costs: seconds of each piece of work, from speeds that were measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ...competition.folds.folds import FIFTHS
from ...images.photo_source import in_memory
from ...images.views import VIEWS
from ...inference.timing import BATCHES, FEWEST, LONGEST, SINGLE, WARM_UP
from ...options.settings import MemberSettings
from ..allotment import Stretch

# To score a fold and write its tables.
_FOLD_FILES = 0.3
# A photo alone takes about so many times as long as one of a batch, and seconds beyond that.
_ALONE, _CALL = 3.0, 0.002


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
    def from_json(cls, told: dict[str, Any]) -> Speeds:
        """Read what :meth:`to_json` made."""
        return cls(**{**told, "phases": tuple(PhaseSpeed(**phase) for phase in told["phases"])})

    def to_json(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return asdict(self)

    def at_size(self, before: int, now: int) -> Speeds:
        """Estimate the speeds at another image size: convolutions take time by the pixel, decoding by the file."""
        share = (now / before) ** 2
        return replace(
            self,
            predict=max(self.decode, self.predict * share),
            network=self.network * share,
            phases=tuple(replace(phase, photo=phase.photo * share) for phase in self.phases),
        )


@dataclass(frozen=True)
class Counts:
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
        return round(self.training / (self.folds if self.folds > 1 else FIFTHS))

    @property
    def learned(self) -> int:
        """Photos that one fold learns from."""
        return self.training - self.held_out


@dataclass(frozen=True)
class Work:
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
    phases: tuple[Stretch, ...] = ()
    finish: float = 0.0

    @property
    def fixed(self) -> float:
        """Seconds that no cut of epochs saves, but for the compilation of each phase."""
        return self.begin + self.finish

    def seconds(self, share: float) -> float:
        """All seconds at a share of the epochs asked for."""
        return self.fixed + sum(phase.left(share) for phase in self.phases)


def features_seconds(speeds: Speeds, counts: Counts, missing_views: int) -> float:
    """Seconds of frozen features in views that are not cached."""
    if not missing_views:
        return 0.0
    photos = counts.training + counts.test
    return (
        photos * (speeds.predict + (missing_views - 1) * speeds.network)
        + missing_views * speeds.predict_first
        + speeds.build
    )


def figures_seconds(speeds: Speeds, settings: MemberSettings) -> float:
    """Seconds of measuring how fast the trained network predicts, see :mod:`ensembler.members.jobs.speed`."""
    views = len(VIEWS[settings.tta])
    alone = _ALONE * views * speeds.network + _CALL
    batch = settings.batch_size * views * speeds.network + _CALL
    timed = sum(min(times * one, max(LONGEST, FEWEST * one)) for times, one in ((SINGLE, alone), (BATCHES, batch)))
    return timed + WARM_UP * (alone + batch) + 2 * views * speeds.predict_first


def frozen_work(
    speeds: Speeds, settings: MemberSettings, counts: Counts, heads: int, *, missing_views: int, figures: bool
) -> Work:
    """Tell what a frozen member's job costs: its features where they are missing, then ``heads`` heads.

    Parameters
    ----------
    figures
        Whether the speed of its network is measured in the end.
    """
    each = _head_seconds(speeds, settings, counts) + _FOLD_FILES
    begin = speeds.start_up + speeds.build + speeds.save + features_seconds(speeds, counts, missing_views)
    return Work(begin + heads * each + (figures_seconds(speeds, settings) if figures else 0.0))


def fold_work(
    speeds: Speeds, settings: MemberSettings, counts: Counts, *, missing_views: int, starts: bool, figures: bool
) -> Work:
    """Tell what one fold of a fine-tuned member costs.

    Parameters
    ----------
    missing_views
        Views whose frozen features its head needs and that are not cached.
    starts
        Whether its process starts with it.
    figures
        Whether the speed of its network is measured in the end.
    """
    # What predicts is another network where training is in 16 bits.
    networks = 1 if settings.precision == "float32" else 2
    head = _head_seconds(speeds, settings, counts) if settings.head == "fitted" else 0.0
    begin = networks * (speeds.build + head) + features_seconds(speeds, counts, missing_views)
    if starts:
        begin += speeds.start_up
    if in_memory(counts.learned, settings.image_size):
        begin += counts.learned * speeds.decode
    predicted = counts.held_out + counts.test
    views = len(VIEWS[settings.tta])
    finish = predicted * (speeds.predict + (views - 1) * speeds.network) + speeds.predict_first + speeds.save
    finish += _FOLD_FILES + (figures_seconds(speeds, settings) if figures else 0.0)
    return Work(begin, _stretches(speeds, settings, counts), finish)


def _stretches(speeds: Speeds, settings: MemberSettings, counts: Counts) -> tuple[Stretch, ...]:
    judged = counts.held_out * speeds.predict
    each: Sequence[tuple[Any, PhaseSpeed]] = list(zip(settings.phases, speeds.phases, strict=True))
    return tuple(
        Stretch(
            asked=phase.epochs,
            seconds=counts.learned * speed.photo + speed.epoch + judged,
            first=speed.first + (speeds.predict_first if number == 0 else 0.0),
        )
        for number, (phase, speed) in enumerate(each)
    )


def _head_seconds(speeds: Speeds, settings: MemberSettings, counts: Counts) -> float:
    return speeds.head * counts.learned * (2 if settings.flips else 1)
