"""A survey in words: the table of backbones, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...errors import format_count
from ...figures import format_parameters, format_score
from ...workflows.survey.result import FailedBackbone, Survey, SurveyedBackbone

# Names of backbones that lack the same are told on one line, at most so many.
_MAX_NAMES = 12


def build_survey_table(survey: Survey) -> tuple[list[str], list[list[str]]]:
    """Return columns and rows of the table of backbones.

    Milliseconds are the mean of 100 predictions of one photo; the competition's metric has a column where it is none of
    the others.
    """
    own = [one for one in survey.candidates if one.scores.score != one.scores.log_loss]
    metric = own[0].scores.metric if own and own[0].scores.metric != "accuracy" else ""
    columns = ["backbone", "pixels", "parameters", "MB", "ms/photo", "photos/s", "peak MB", "width", "log loss"]
    columns += ["accuracy", *([metric] if metric else []), "judged on"]
    return columns, [_format_row(one, bool(metric)) for one in survey.candidates]


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


def describe_survey(survey: Survey) -> Iterator[str]:
    """Say what follows, a sentence a line."""
    if early := [one for one in survey.candidates if one.photos < survey.photos]:
        count = format_count(early, "backbone")
        yield f"{count} judged on fewer photos, since others are better (--json says which; --full judges all on all)."
    yield from _describe_failures(survey.failed)
    if survey.best:
        yield f"best      {_describe_backbone(survey.best)}"
    if survey.smallest:
        yield f"smallest  {_describe_backbone(survey.smallest)}: the smallest of {survey.good_enough}"
    else:
        yield f"smallest  none has {survey.good_enough}"
    if survey.trio:
        trio = survey.trio
        gain = f"{format_score(abs(trio.gain), trio.gain_error)} {'better' if trio.gain > 0 else 'worse'}"
        sure = "" if trio.is_certain else ", which may be chance"
        yield (
            f"together  {', '.join(trio.names)}: log loss {trio.log_loss:.4f} of their heads stacked, {gain} "
            f"than {trio.best}{sure}"
        )
    for number, command in enumerate(survey.commands):
        yield f"{'next' if number == 0 else '':<10}{command}"
    for path in survey.picture:
        yield f"picture   {path}"


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
