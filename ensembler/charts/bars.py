"""Horizontal bars with names and values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import FigureBase

from .chart import draw_nothing, write_note
from .dots import format_rows
from .style import BLUE, INK, SKY, SMALL_FONT, format_axes, format_number_axis


@dataclass(frozen=True)
class Bar:
    """A bar of a length, with a text at its end, and the length of a second, paler one if there is any."""

    name: str
    length: float
    text: str = ""
    second: float | None = None


def compute_bar_height(rows: int) -> float:
    """Compute the height in inches of a plot of bars."""
    return 0.75 + 0.21 * max(3, rows)


def draw_bars(
    place: FigureBase, bars: Sequence[Bar], label: str, *, note: str = "", absent: str = "Nothing is known yet."
) -> None:
    """Draw bars from the top to the bottom. The parameters are those of :func:`.draw_dots`."""
    if not bars:
        draw_nothing(place, absent)
        return
    axes = place.subplots()
    format_axes(axes, x=label, grid="x")
    format_number_axis(axes.xaxis, whole=True)
    for number, bar in enumerate(bars):
        two = bar.second is not None
        axes.barh(number - 0.17 * two, bar.length, height=0.34 if two else 0.66, color=BLUE)
        if bar.second is not None:
            axes.barh(number + 0.17, bar.second, height=0.34, color=SKY)
        axes.annotate(
            bar.text,
            (max(bar.length, bar.second or 0), number),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL_FONT,
            color=INK,
        )
    format_rows(axes, [bar.name for bar in bars])
    longest = max(max(bar.length, bar.second or 0) for bar in bars)
    # The text at the end of the longest bar needs room.
    axes.set_xlim(0, max(1e-9, longest) * (1.08 + 0.022 * max(len(bar.text) for bar in bars)))
    write_note(place, note)
