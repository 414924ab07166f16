"""Chart of the own score and the public score of each submission."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from .chart import Chart, draw_nothing, write_note
from .style import (
    BLUE,
    ORANGE,
    SMALL_FONT,
    WIDTH,
    drop_unknown,
    format_axes,
    format_number_axis,
    list_finite,
    make_outline,
)

MAX_SUBMISSIONS = 100
MAX_DATES = 4


@dataclass(frozen=True)
class SubmissionPoint:
    """A submission.

    Attributes
    ----------
    time
        Time at which it was made or uploaded.
    own, own_error
        Own score by the competition's metric, and its standard error. None if unknown.
    public
        Kaggle's public score. None if unknown.
    """

    time: datetime
    own: float | None
    own_error: float | None
    public: float | None


def build_submission_chart(
    submissions: Sequence[SubmissionPoint],
    *,
    score_label: str,
    larger_is_better: bool = False,
    title: str = "Own score and public score",
) -> Chart:
    """Build the chart of own and public scores over time.

    Submissions are at equal distances, because many may be of the same day. The newest 100 are shown.
    """
    ordered = sorted(submissions, key=lambda one: one.time)
    shown = [one for one in ordered if list_finite([one.own, one.public])][-MAX_SUBMISSIONS:]
    label = f"{score_label} ({'larger' if larger_is_better else 'smaller'} is better)"

    def draw(place: FigureBase) -> None:
        if not shown:
            draw_nothing(place, "No submission has a score yet.")
            return
        axes = place.subplots()
        format_axes(axes, x="submissions, oldest first", y=label)
        own, public = [one.own for one in shown], [one.public for one in shown]
        # The names of lines that end at the same place must not cover each other.
        is_above = (list_finite(own) or [0.0])[-1] >= (list_finite(public) or [0.0])[-1]
        _draw_line(axes, own, "own", BLUE, "o", above=is_above, errors=[one.own_error for one in shown])
        _draw_line(axes, public, "public", ORANGE, "s", above=not is_above)
        _write_dates(axes, [one.time for one in shown])
        format_number_axis(axes.yaxis)
        axes.margins(x=0.1, y=0.15)
        left_out = len(ordered) - len(shown)
        write_note(place, f"{left_out} of {len(ordered)} have no score, or are older." if left_out else "")

    last = shown[-1] if shown else None
    newest = f" The newest: own {last.own}, public {last.public}." if last else ""
    return Chart(title, f"{label} of {len(shown)} submissions over time.{newest}", WIDTH, 3.3, draw)


def _draw_line(
    axes: Axes,
    scores: Sequence[float | None],
    name: str,
    colour: str,
    marker: str,
    *,
    above: bool,
    errors: Sequence[float | None] = (),
) -> None:
    values = drop_unknown(scores)
    known = [number for number, value in enumerate(values) if math.isfinite(value)]
    if not known:
        return
    bars = [0.0 if math.isnan(error) else error for error in drop_unknown(errors)]
    axes.errorbar(
        known,
        [values[number] for number in known],
        yerr=[bars[number] for number in known] if bars else None,
        fmt=f"{marker}-",
        color=colour,
        linewidth=1.3,
        elinewidth=0.8,
        markersize=max(2.5, 5.5 - len(values) / 30),
    )
    axes.annotate(
        name,
        (known[-1], values[known[-1]]),
        xytext=(6, 1 if above else -1),
        textcoords="offset points",
        va="bottom" if above else "top",
        color=colour,
        fontsize=SMALL_FONT,
        path_effects=make_outline(),
        annotation_clip=False,
    )


def _write_dates(axes: Axes, times: Sequence[datetime]) -> None:
    count = min(len(times), MAX_DATES)
    chosen = sorted({round(place * (len(times) - 1) / max(1, count - 1)) for place in range(count)})
    axes.set_xticks(chosen, [f"{times[number]:%Y-%m-%d}\n{times[number]:%H:%M}" for number in chosen])
    axes.set_xlim(-0.6, len(times) - 0.4)
