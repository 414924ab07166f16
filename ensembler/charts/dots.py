"""Dot plots: a row for each item, with a point, its interval and its value."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from matplotlib.ticker import NullLocator

from .chart import draw_nothing, write_note
from .style import BLUE, GREY, INK, MUTED, PAPER, SMALL_FONT, format_axes, format_number_axis, shorten_names

_ROW_INCHES, _FRAME_INCHES = 0.2, 0.75
# Rows from which the axis is written above the plot too.
_LONG = 25


@dataclass(frozen=True)
class Dot:
    """A row of a dot plot.

    Attributes
    ----------
    name
        Name beside the row.
    value, low, high
        Position of the point, and the ends of its interval. None or NaN if unknown.
    important
        Whether the row is emphasised.
    text
        Text at the end of the row, such as the value.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    important: bool = False
    text: str = ""


def compute_height(rows: int) -> float:
    """Compute the height in inches of a dot plot."""
    return _FRAME_INCHES + _ROW_INCHES * max(3, rows)


def draw_dots(
    place: FigureBase,
    dots: Sequence[Dot],
    label: str,
    *,
    reference: float | None = None,
    note: str = "",
    absent: str = "Nothing is known yet.",
) -> None:
    """Draw rows from the top to the bottom.

    Parameters
    ----------
    place
        Figure, or part of one.
    dots
        Rows.
    label
        Name of the horizontal axis.
    reference
        Position of a vertical line, such as zero.
    note
        Small text below the plot.
    absent
        Text in place of the plot if no row has a value.
    """
    known = [dot for dot in dots if dot.value is not None and math.isfinite(dot.value)]
    if not known:
        draw_nothing(place, absent)
        return
    axes = place.subplots()
    format_axes(axes, x=label, grid="x")
    format_number_axis(axes.xaxis)
    if reference is not None:
        axes.axvline(reference, color=GREY, linewidth=1.0, zorder=1)
    for number, dot in enumerate(dots):
        _draw_dot(axes, number, dot)
    format_rows(axes, [dot.name for dot in dots], lambda number: dots[number].important)
    for number, dot in enumerate(dots):
        axes.text(
            1.02, number, dot.text, transform=axes.get_yaxis_transform(), va="center", fontsize=SMALL_FONT, color=INK
        )
    axes.margins(x=0.08)
    write_note(place, note)


def format_rows(axes: Axes, names: Sequence[str], is_important: Callable[[int], bool] = lambda _: False) -> None:
    """Name the rows of a plot, the first at the top."""
    axes.set_yticks(range(len(names)), shorten_names(names))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    for number, tick in enumerate(axes.get_yticklabels()):
        tick.set_color(INK)
        tick.set_fontweight("bold" if is_important(number) else "normal")
    if len(names) > _LONG:
        axes.tick_params(axis="x", top=True, labeltop=True)


def _draw_dot(axes: Axes, number: int, dot: Dot) -> None:
    if dot.value is None or not math.isfinite(dot.value):
        return
    colour = BLUE if dot.important else MUTED
    low, high = (end if end is not None and math.isfinite(end) else dot.value for end in (dot.low, dot.high))
    if low < high:
        axes.plot([low, high], [number, number], color=colour, linewidth=2.0 if dot.important else 1.2)
    axes.plot(
        [dot.value],
        [number],
        "D" if dot.important else "o",
        color=colour,
        markersize=6 if dot.important else 5,
        markeredgecolor=PAPER,
        markeredgewidth=0.6,
        zorder=3,
    )
