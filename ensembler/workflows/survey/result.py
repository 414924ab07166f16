"""What a survey returns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ...competition.metrics.scores import Scores
from ...errors import format_count
from ...figures import format_parameters, format_score
from ...inference.speeds import NetworkSpeed
from ...serialization import Exported
from ...tables import Shown, Table

# Names of backbones that lack the same are told on one line, at most so many.
_MAX_NAMES = 12

SurveySorting = Literal["size", "loss", "latency"]


@dataclass(frozen=True)
class SurveyedBackbone(Exported):
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
        """Return a table row as plain data for JSON."""
        speed, fields = self.speed, super().to_json()
        del fields["speed"]
        return {
            "name": fields.pop("name"),
            "image_size": fields.pop("image_size"),
            "parameters": speed.parameters,
            "megabytes": round(speed.megabytes, 3),
            "milliseconds": speed.milliseconds_per_photo,
            "photos_per_second": speed.photos_per_second,
            "peak_memory": speed.peak_bytes,
            "width": speed.width,
            **fields.pop("scores"),
            **fields,
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


@dataclass(frozen=True, repr=False)
class SurveyResult(Shown):
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

    def build_table(self) -> Table:
        """Lay backbones out in rows.

        Milliseconds are the mean of 100 predictions of one photo; the competition's metric has a column where it is
        none of the others.
        """
        own = [one for one in self.candidates if one.scores.score != one.scores.log_loss]
        metric = own[0].scores.metric if own and own[0].scores.metric != "accuracy" else ""
        columns = ["backbone", "pixels", "parameters", "MB", "ms/photo", "photos/s", "peak MB", "width", "log loss"]
        columns += ["accuracy", *([metric] if metric else []), "judged on"]
        rows = [_format_row(one, bool(metric)) for one in self.candidates]
        return Table(columns, rows, notes=list(self.describe()))

    def describe(self) -> Iterator[str]:
        """Say what follows, a sentence a line."""
        if early := [one for one in self.candidates if one.photos < self.photos]:
            count = format_count(early, "backbone")
            yield f"{count} judged on fewer photos, since others are better (--full judges all on all)."
        yield from _describe_failures(self.failed)
        if self.best:
            yield f"best      {_describe_backbone(self.best)}"
        if self.smallest:
            yield f"smallest  {_describe_backbone(self.smallest)}: the smallest of {self.good_enough}"
        else:
            yield f"smallest  none has {self.good_enough}"
        if self.trio:
            trio = self.trio
            gain = f"{format_score(abs(trio.gain), trio.gain_error)} {'better' if trio.gain > 0 else 'worse'}"
            sure = "" if trio.is_certain else ", which may be chance"
            yield (
                f"together  {', '.join(trio.names)}: log loss {trio.log_loss:.4f} of their heads stacked, {gain} "
                f"than {trio.best}{sure}"
            )
        for number, command in enumerate(self.commands):
            yield f"{'next' if number == 0 else '':<10}{command}"
        for path in self.picture:
            yield f"picture   {path}"

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain data for JSON; the best and the smallest backbone are their names."""
        names = {name: one and one.name for name, one in (("best", self.best), ("smallest", self.smallest))}
        return {**super().to_json(), **names, "seconds": round(self.seconds, 3)}


def _format_row(one: SurveyedBackbone, metric: bool) -> list[str]:
    speed, figures = one.speed, one.scores
    return [
        one.name,
        str(one.image_size),
        format_parameters(speed.parameters),
        f"{speed.megabytes:.1f}",
        f"{speed.milliseconds_per_photo:.1f}",
        f"{speed.photos_per_second:.0f}",
        "" if speed.peak_bytes is None else f"{speed.peak_bytes / 1e6:.0f}",
        str(speed.width),
        format_score(figures.log_loss, figures.log_loss_error),
        f"{figures.accuracy:.4f}",
        *([f"{figures.score:.4f}"] if metric else []),
        str(one.photos),
    ]


def _describe_backbone(one: SurveyedBackbone) -> str:
    speed, loss = one.speed, one.scores.log_loss
    return f"{one.name} ({speed.megabytes:.1f} MB, {speed.milliseconds_per_photo:.1f} ms, log loss {loss:.4f})"


def _describe_failures(failed: Sequence[FailedBackbone]) -> Iterator[str]:
    """Tell failures, those that lack the same together."""
    kinds = dict.fromkeys(one.kind for one in failed if one.kind)
    for kind in kinds:
        names = [one.name for one in failed if one.kind == kind]
        more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
        yield f"left out  {kind}: {', '.join(names[:_MAX_NAMES])}{more}"
    for one in failed:
        if not one.kind:
            yield f"left out  {one.name}: {one.reason}"
