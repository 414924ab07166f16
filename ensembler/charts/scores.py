"""Charts of the scores of stacks, members and classes, and of what each member adds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .chart import Chart
from .dots import Dot, compute_height, draw_dots
from .style import WIDTH, list_finite, shorten_name

# Rows of a chart. The others are counted below it.
MAX_ROWS = 100
MAX_CLASSES = 40


@dataclass(frozen=True)
class ScoreRow:
    """A stack, a member, or anything else that has a score.

    Attributes
    ----------
    name
        Name.
    score, low, high
        Score and the ends of its interval. None or NaN if unknown.
    important
        Whether the row is emphasised, as a stack among members.
    """

    name: str
    score: float | None
    low: float | None = None
    high: float | None = None
    important: bool = False


@dataclass(frozen=True)
class Contribution:
    """How much worse a stack is without one of its members, with the ends of the interval. Positive is worse."""

    name: str
    loss: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class ClassScore:
    """Score of a class, with its interval if known, and the number of its photos."""

    name: str
    score: float | None
    photos: int
    low: float | None = None
    high: float | None = None


def build_score_chart(
    rows: Sequence[ScoreRow], *, score_label: str, larger_is_better: bool = False, title: str = "Scores"
) -> Chart:
    """Build the dot plot of scores, the best at the top.

    Parameters
    ----------
    rows
        Stacks and members, in any order.
    score_label
        Name of the axis, such as ``log loss, out of fold``.
    """
    ordered = sorted(rows, key=lambda row: _order(row.score, larger_is_better=larger_is_better))
    shown = ordered[:MAX_ROWS]
    dots = [
        Dot(row.name, row.score, row.low, row.high, row.important, "" if row.score is None else f"{row.score:.4f}")
        for row in shown
    ]
    label = f"{score_label} ({'larger' if larger_is_better else 'smaller'} is better)"
    left_out = f"The best {MAX_ROWS} of {len(ordered)}." if len(ordered) > MAX_ROWS else ""
    best = f" The best is {shorten_name(shown[0].name)}." if shown and shown[0].score is not None else ""
    return Chart(
        title,
        f"{len(shown)} scores with intervals, the best at the top: {label}.{best}",
        WIDTH,
        compute_height(len(dots)),
        lambda place: draw_dots(place, dots, label, note=left_out),
    )


def build_contribution_chart(
    contributions: Sequence[Contribution], *, score_label: str, title: str = "What each member adds"
) -> Chart:
    """Build the dot plot of how much worse the stack is without each member, the most useful at the top."""
    ordered = sorted(contributions, key=lambda one: -one.loss if math.isfinite(one.loss) else math.inf)
    shown = ordered[:MAX_ROWS]
    dots = [Dot(one.name, one.loss, one.low, one.high, (one.low or 0) > 0, f"{one.loss:+.4f}") for one in shown]
    label = f"worsening of {score_label} without it"
    left_out = f"The most useful {MAX_ROWS} of {len(ordered)}." if len(ordered) > MAX_ROWS else ""
    return Chart(
        title,
        f"{label}, for {len(shown)} members. Right of zero the stack is worse without the member.",
        WIDTH,
        compute_height(len(dots)),
        lambda place: draw_dots(
            place, dots, label, reference=0.0, note=left_out, absent="A single member has nothing to be compared with."
        ),
    )


def build_class_score_chart(
    classes: Sequence[ClassScore],
    *,
    score_label: str,
    larger_is_better: bool = True,
    title: str = "Scores by class",
    most: int = MAX_CLASSES,
) -> Chart:
    """Build the dot plot of scores by class, the worst at the top. Many classes show the worst ``most``."""
    ordered = sorted(classes, key=lambda one: _order(one.score, larger_is_better=larger_is_better))
    known = [one for one in ordered if one.score is not None and math.isfinite(one.score)]
    shown = known[::-1][:most]
    dots = [
        Dot(one.name, one.score, one.low, one.high, text=f"{one.score:.3f}, {one.photos:,} photos") for one in shown
    ]
    parts = [f"the worst {most} of {len(known):,} classes"] if len(known) > most else []
    parts += [f"{len(classes) - len(known):,} classes have no score"] if len(known) < len(classes) else []
    note = "; ".join(parts)
    label = f"{score_label} ({'larger' if larger_is_better else 'smaller'} is better)"
    scores = list_finite([one.score for one in classes])
    ends = f", from {min(scores):.4g} to {max(scores):.4g}" if scores else ""
    return Chart(
        title,
        f"{score_label} of {len(known):,} classes{ends}; the worst are at the top.",
        WIDTH,
        compute_height(len(dots)) + 0.2 * bool(note),
        lambda place: draw_dots(place, dots, label, note=f"{note[:1].upper()}{note[1:]}." if note else ""),
    )


def _order(score: float | None, *, larger_is_better: bool) -> float:
    if score is None or not math.isfinite(score):
        return math.inf
    return -score if larger_is_better else score
