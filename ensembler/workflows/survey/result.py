"""What a survey returns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ...competition.metrics.scores import Scores
from ...inference.speeds import NetworkSpeed
from ..results import build_score_fields

SurveySorting = Literal["size", "loss", "latency"]


@dataclass(frozen=True)
class SurveyedBackbone:
    """A backbone with a linear head on frozen features.

    Attributes
    ----------
    name
        Its name.
    image_size
        Height and width of photos in pixels.
    speed
        Size and speed.
    scores
        Out of fold, on ``photos`` labelled photos.
    photos
        That it was judged on.
    stopped
        Why it was not judged on all; empty if it was.
    """

    name: str
    image_size: int
    speed: NetworkSpeed
    scores: Scores
    photos: int
    stopped: str

    def to_json(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        speed = self.speed
        return {
            "name": self.name,
            "image_size": self.image_size,
            "parameters": speed.parameters,
            "megabytes": round(speed.megabytes, 3),
            "milliseconds": speed.milliseconds_per_photo,
            "photos_per_second": speed.photos_per_second,
            "peak_memory": speed.peak_bytes,
            "width": speed.width,
            **build_score_fields(self.scores),
            "photos": self.photos,
            "stopped": self.stopped,
        }


@dataclass(frozen=True)
class FailedBackbone:
    """A backbone that could not be judged, and why; ``kind`` is the same for many that lack the same."""

    name: str
    reason: str
    kind: str = ""


@dataclass(frozen=True)
class BestCombination:
    """Three backbones whose heads are best together.

    Attributes
    ----------
    names
        Of them.
    log_loss
        Of their weighted geometric mean, by nested folds.
    best
        The best single backbone.
    gain, gain_error
        How much lower that is than the log loss of ``best``, and the standard error of the paired difference.
    """

    names: tuple[str, ...]
    log_loss: float
    best: str
    gain: float
    gain_error: float

    @property
    def is_certain(self) -> bool:
        """Whether the gain is beyond two standard errors."""
        return self.gain > 2 * self.gain_error


@dataclass(frozen=True)
class Survey:
    """What a survey found.

    Attributes
    ----------
    candidates
        All that were judged, sorted as asked.
    failed
        Those that were not.
    photos
        Labelled photos that the best were judged on.
    best
        The one of the lowest log loss among those judged on all photos.
    smallest
        The one of the fewest parameters that is good enough; None if none is.
    good_enough
        What that means.
    trio
        The best three together; None if fewer were judged on all photos.
    commands
        To type next.
    picture
        Files of the picture.
    seconds
        That it took.
    """

    candidates: tuple[SurveyedBackbone, ...]
    failed: tuple[FailedBackbone, ...]
    photos: int
    best: SurveyedBackbone | None
    smallest: SurveyedBackbone | None
    good_enough: str
    trio: BestCombination | None
    commands: tuple[str, ...]
    picture: tuple[Path, ...]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        trio = self.trio
        return {
            "candidates": [one.to_json() for one in self.candidates],
            "failed": [vars(one) for one in self.failed],
            "photos": self.photos,
            "best": self.best.name if self.best else None,
            "smallest": self.smallest.name if self.smallest else None,
            "good_enough": self.good_enough,
            "trio": {**vars(trio), "names": list(trio.names)} if trio else None,
            "commands": list(self.commands),
            "picture": [str(path) for path in self.picture],
            "seconds": round(self.seconds, 3),
        }
