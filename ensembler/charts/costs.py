"""Charts of scores against a cost, such as milliseconds per photo, with the Pareto front."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from .chart import Chart, Finish, draw_nothing, write_note
from .labels import place_labels
from .style import (
    BLUE,
    FONT,
    GREY,
    INK,
    MUTED,
    PAPER,
    SKY,
    SMALL_FONT,
    WIDTH,
    format_axes,
    format_number_axis,
    make_outline,
    shorten_name,
)

# Ratio of the largest score to the smallest from which the axis is logarithmic.
LOG_SCALE_RATIO = 4.0
# Distance in pixels from which a line connects a label with its point.
LEADER_PIXELS = 16.0
# Least loss or cost, because a logarithmic axis has no zero.
MIN_VALUE = 1e-6
MAX_FRONT_LABELS = 12


@dataclass(frozen=True)
class CostPoint:
    """A candidate, such as a member or a backbone, with its score and its cost.

    Attributes
    ----------
    name
        Name beside the point.
    score, standard_error
        Score and its standard error. The error may be None or NaN if unknown.
    cost
        Cost, such as milliseconds per photo. None leaves the candidate out.
    finished
        Whether the score comes from all photos. Others are drawn hollow.
    """

    name: str
    score: float
    standard_error: float | None
    cost: float | None
    finished: bool = True

    @property
    def place(self) -> float:
        """Position on a logarithmic axis of costs."""
        return max(MIN_VALUE, self.cost or 0.0)


def find_pareto_front(points: Sequence[CostPoint], *, larger_is_better: bool = False) -> list[CostPoint]:
    """Return the points that none beats in both cost and score, by increasing cost."""
    sign = -1.0 if larger_is_better else 1.0
    best: list[CostPoint] = []
    for one in sorted(points, key=lambda one: (one.place, sign * one.score)):
        if not best or sign * one.score < sign * best[-1].score:
            best.append(one)
    return best


def build_cost_chart(
    points: Sequence[CostPoint],
    *,
    score_label: str,
    cost_label: str,
    larger_is_better: bool = False,
    title: str = "",
) -> Chart:
    """Build the chart of scores against costs, with the Pareto front.

    Parameters
    ----------
    points
        Candidates. Those without a cost or a finite score are counted below the chart.
    score_label, cost_label
        Names of the axes with units, such as ``log loss, out of fold`` and ``milliseconds per photo``.
    larger_is_better
        Whether a larger score is better.
    title
        Title. Empty makes one of both labels.
    """
    shown = [one for one in points if one.cost is not None and math.isfinite(one.cost) and math.isfinite(one.score)]

    def draw(place: FigureBase) -> Finish | None:
        if not shown:
            draw_nothing(place, "No cost was measured yet.")
            return None
        axes = place.subplots()
        draw_cost_points(axes, shown, larger_is_better=larger_is_better)
        format_axes(axes, x=cost_label, y=score_label)
        scale_scores(axes, shown, larger_is_better=larger_is_better)
        left_out = len(points) - len(shown)
        write_note(place, f"Not measured: {left_out} of {len(points)}." if left_out else "")
        return lambda: label_cost_points(axes, shown, larger_is_better=larger_is_better)

    best = find_pareto_front(shown, larger_is_better=larger_is_better)
    names = ", ".join(shorten_name(one.name) for one in best[:12])
    return Chart(
        title or f"{score_label} against {cost_label}",
        f"{len(shown)} points, {cost_label} from left to right and {score_label} upwards. None is both cheaper and "
        f"better than {names or 'any'}.",
        WIDTH,
        3.9 if len(shown) <= 30 else 5.0,
        draw,
    )


def draw_cost_points(axes: Axes, points: Sequence[CostPoint], *, larger_is_better: bool = False) -> None:
    """Draw points with error bars, and the line of the front."""
    costs = [one.place for one in points] or [1.0]
    # A logarithmic axis of a single value has no limits of its own.
    room = max(1.5, (max(costs) / min(costs)) ** 0.12)
    axes.set_xlim(min(costs) / room, max(costs) * room)
    axes.set_xscale("log")
    best = find_pareto_front(points, larger_is_better=larger_is_better)
    if len(best) > 1:
        axes.step([one.place for one in best], [one.score for one in best], where="post", color=SKY, linewidth=1.2)
    for one in points:
        _draw_point(axes, one, is_best=one in best)
    axes.margins(y=0.1)
    format_number_axis(axes.xaxis, logarithmic=True)


def _draw_point(axes: Axes, one: CostPoint, *, is_best: bool) -> None:
    colour = BLUE if is_best else GREY
    error = one.standard_error if one.standard_error is not None and math.isfinite(one.standard_error) else 0.0
    axes.errorbar(
        one.place,
        one.score,
        # An error bar must not reach zero on a logarithmic axis.
        yerr=[[min(error, 0.95 * one.score) if one.score > 0 else error], [error]],
        fmt="o",
        color=colour,
        markersize=6,
        markerfacecolor=colour if one.finished else PAPER,
        elinewidth=0.8,
        alpha=1.0 if is_best else 0.75,
        zorder=3 if is_best else 2,
    )


def scale_scores(axes: Axes, points: Sequence[CostPoint], *, larger_is_better: bool = False) -> None:
    """Make the axis of losses logarithmic if they differ much, and write plain numbers beside it."""
    scores = [one.score for one in points]
    logarithmic = not larger_is_better and min(scores) > 0 and max(scores) > LOG_SCALE_RATIO * min(scores)
    if logarithmic:
        axes.set_yscale("log")
    format_number_axis(axes.yaxis, logarithmic=logarithmic)


def label_cost_points(axes: Axes, points: Sequence[CostPoint], *, larger_is_better: bool = False) -> None:
    """Write names beside points, always for up to 12 of the front, and for others if there is room."""
    if not points:
        return
    best = find_pareto_front(points, larger_is_better=larger_is_better)
    ordered = [*best, *sorted((one for one in points if one not in best), key=lambda one: one.score)]
    texts = [_draw_text(axes, shorten_name(one.name), important=one in best) for one in ordered]
    renderer: Any = axes.figure.canvas.get_renderer()  # type: ignore[attr-defined]
    places = axes.transData.transform([(one.place, one.score) for one in ordered])
    sizes = np.array([text.get_window_extent(renderer).size for text in texts])
    frame = np.array(axes.get_window_extent(renderer).padded(-2).extents)
    others = [legend.get_window_extent(renderer).extents] if (legend := axes.get_legend()) else []
    needed = set(np.linspace(0, len(best) - 1, min(len(best), MAX_FRONT_LABELS)).round().astype(int).tolist())
    boxes = place_labels(places, sizes, [place in needed for place in range(len(ordered))], frame, np.array(others))
    to_data = axes.transData.inverted()
    for point, text, box in zip(places, texts, boxes, strict=True):
        if box is None:
            text.remove()
            continue
        text.set_position(to_data.transform((box[:2] + box[2:]) / 2))
        # A thin line connects a distant label with its point.
        nearest = np.clip(point, box[:2], box[2:])
        if np.hypot(*(nearest - point)) > LEADER_PIXELS:
            ends = to_data.transform([point, nearest])
            axes.plot(ends[:, 0], ends[:, 1], color=GREY, linewidth=0.6, zorder=1, scalex=False, scaley=False)


def _draw_text(axes: Axes, name: str, *, important: bool) -> Any:
    return axes.text(
        axes.get_xlim()[0],
        axes.get_ylim()[0],
        name,
        ha="center",
        va="center",
        fontsize=FONT if important else SMALL_FONT,
        fontweight="bold" if important else "normal",
        color=INK if important else MUTED,
        zorder=4,
        path_effects=make_outline(),
    )
