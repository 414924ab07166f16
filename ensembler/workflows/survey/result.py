"""Result of a survey."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ...callers import address_caller
from ...competition.metrics.scores import Scores
from ...errors import format_count
from ...figures import format_parameters, format_score
from ...inference.speeds import NetworkSpeed
from ...serialization import Exported
from ...tables import Shown, Table

# Maximum number of names on the line of backbones that failed for the same reason.
_MAX_NAMES = 12

SurveySorting = Literal["size", "loss", "latency"]


@dataclass(frozen=True)
class SurveyedBackbone(Exported):
    """A backbone with a linear head on frozen features.

    Attributes
    ----------
    name
        Name of the backbone.
    image_size
        Height and width of photos in pixels.
    speed
        Size and speed.
    scores
        Out-of-fold scores.
    photos
        Number of labelled photos that it was scored on.
    stopped
        Reason why it was not scored on all photos. Empty if it was.
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
    """A backbone that could not be scored.

    Attributes
    ----------
    reason
        Error message.
    kind
        Reason that several backbones share, which are then listed together. Empty if there is none.
    """

    name: str
    reason: str
    kind: str = ""


@dataclass(frozen=True)
class BestCombination:
    """The three backbones whose heads stack best.

    Attributes
    ----------
    names
        Names of the backbones.
    log_loss
        Log loss of their weighted geometric mean, by nested folds.
    best
        Name of the best single backbone.
    gain, gain_error
        Log loss of ``best`` minus ``log_loss``, and the standard error of this paired difference.
    """

    names: tuple[str, ...]
    log_loss: float
    best: str
    gain: float
    gain_error: float

    @property
    def is_certain(self) -> bool:
        """Whether the gain exceeds two standard errors."""
        return self.gain > 2 * self.gain_error


@dataclass(frozen=True, repr=False)
class SurveyResult(Shown):
    """Result of a survey.

    Attributes
    ----------
    candidates
        Backbones that were scored, in the requested order.
    failed
        Backbones that could not be scored.
    photos
        Number of labelled photos that the best backbones were scored on.
    best
        Backbone with the lowest log loss among those scored on all photos.
    smallest
        Backbone with the fewest parameters that is good enough. None if there is none.
    good_enough
        Criterion of good enough.
    trio
        Best three backbones together. None if fewer were scored on all photos.
    commands
        Suggested next commands.
    picture
        Paths of the picture.
    seconds
        Duration of the survey.
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
        """Return a row for each backbone.

        Milliseconds are the mean of 100 predictions of one photo. The competition's metric has a column unless it is
        log loss or accuracy.
        """
        own = [one for one in self.candidates if one.scores.score != one.scores.log_loss]
        metric = own[0].scores.metric if own and own[0].scores.metric != "accuracy" else ""
        columns = ["backbone", "pixels", "parameters", "MB", "ms/photo", "photos/s", "peak MB", "width", "log loss"]
        columns += ["accuracy", *([metric] if metric else []), "scored on"]
        rows = [_format_row(one, bool(metric)) for one in self.candidates]
        return Table(columns, rows, notes=list(self.describe()))

    def describe(self) -> Iterator[str]:
        """Yield the notes below the table."""
        if early := [one for one in self.candidates if one.photos < self.photos]:
            count = format_count(early, "backbone")
            text = f"{count} scored on fewer photos, since others are better (--full scores all on all photos)."
            yield address_caller(text)
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
            chance = "" if trio.is_certain else ", which may be chance"
            yield (
                f"together  {', '.join(trio.names)}: log loss {trio.log_loss:.4f} of their heads stacked, {gain} "
                f"than {trio.best}{chance}"
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
    """Yield a line for each shared reason, and one for each other failure."""
    kinds = dict.fromkeys(one.kind for one in failed if one.kind)
    for kind in kinds:
        names = [one.name for one in failed if one.kind == kind]
        more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
        yield f"left out  {kind}: {', '.join(names[:_MAX_NAMES])}{more}"
    for one in failed:
        if not one.kind:
            yield f"left out  {one.name}: {one.reason}"
