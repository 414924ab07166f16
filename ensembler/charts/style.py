"""Colours, fonts and short names that all charts share."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

# Colours on white paper, after Okabe & Ito, which are distinguishable with colour blindness. Those of texts are darker,
# for a contrast of 4.5 to 1. No two are equal, because an SVG for a page replaces each by a variable.
INK, MUTED, GRID, PAPER = "#1A1A1A", "#5F5F5F", "#E4E4E4", "#FFFFFF"
BLUE, ORANGE, SKY, GREY = "#0072B2", "#B85000", "#56B4E9", "#8A8A8A"
# Texts inside coloured cells keep their colour on any paper.
ON_LIGHT, ON_DARK = "#111111", "#FEFEFE"

SMALL_FONT, FONT, TITLE_FONT = 8.0, 9.0, 10.5
# Inches of a chart, so narrow that its text is legible on a phone.
WIDTH = 5.6
MAX_NAME_LENGTH = 28
_LEAST_TICKS = 3

# The key is any name of a setting, which only some versions of matplotlib spell out as a type.
SETTINGS: dict[Any, Any] = {
    # A dollar sign in the name of a class is no formula.
    "text.parse_math": False,
    "text.usetex": False,
    # The widths of texts are then the same at each resolution, as the layout assumes.
    "text.hinting": "none",
    "text.color": INK,
    "font.family": "DejaVu Sans",
    "font.size": FONT,
    "axes.facecolor": PAPER,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.labelsize": FONT,
    "axes.titlesize": FONT,
    "axes.grid": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": SMALL_FONT,
    "ytick.labelsize": SMALL_FONT,
    "savefig.dpi": "figure",
    "savefig.facecolor": "auto",
    "savefig.transparent": False,
    "savefig.bbox": None,
    # Text remains text, and the names of definitions do not change from call to call.
    "svg.fonttype": "none",
    "svg.hashsalt": "ensembler",
    "pdf.fonttype": 42,
}


def shorten_name(name: str, limit: int = MAX_NAME_LENGTH) -> str:
    """Shorten a name to ``limit`` characters by an ellipsis in its middle.

    White space becomes single spaces. Control characters and halves of characters, which no file of text may contain,
    become question marks.
    """
    name = "".join("?" if unicodedata.category(one) in ("Cc", "Cs") else one for one in " ".join(name.split()))
    if len(name) <= limit:
        return name
    tail = (limit - 1) // 2
    return f"{name[: limit - 1 - tail]}\N{HORIZONTAL ELLIPSIS}{name[-tail:]}"


def shorten_names(names: Sequence[str], limit: int = MAX_NAME_LENGTH) -> list[str]:
    """Shorten names, and number those that would be the same afterwards."""
    short = [shorten_name(name, limit) for name in names]
    return [
        f"{shorten_name(one, limit - 4)} ({short[: number + 1].count(one)})" if short.count(one) > 1 else one
        for number, one in enumerate(short)
    ]


def format_axes(axes: Axes, *, x: str = "", y: str = "", grid: str = "both") -> None:
    """Name both axes with their units, remove the frame above and to the right, and draw a faint grid."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    if grid:
        axes.grid(visible=True, which="major", axis=grid, color=GRID, linewidth=0.8)  # type: ignore[arg-type]
    axes.set_axisbelow(True)


class _LogLocator(LogLocator):
    """Ticks at 1, 2 and 5 times powers of ten, or at round numbers where fewer than three are in sight."""

    def tick_values(self, vmin: float, vmax: float) -> Any:
        ticks = np.asarray(super().tick_values(vmin, vmax), np.float64)
        if np.count_nonzero((ticks >= vmin) & (ticks <= vmax)) >= _LEAST_TICKS:
            return ticks
        return MaxNLocator(4).tick_values(vmin, vmax)


def format_number_axis(axis: Any, *, logarithmic: bool = False, whole: bool = False) -> None:
    """Write plain numbers beside an axis."""
    if logarithmic:
        axis.set_major_locator(_LogLocator(subs=(1, 2, 5)))
        axis.set_minor_locator(NullLocator())
    else:
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10], integer=whole))
    axis.set_major_formatter(FuncFormatter(lambda value, _: format_plain(value)))


def format_plain(value: float) -> str:
    """Format a number of an axis with up to five digits, with commas from 10,000."""
    if abs(value) >= 10_000:
        return f"{value:,.0f}"
    return f"{value:.5g}" if abs(value) >= 1e-4 or value == 0 else f"{value:.0e}"


def make_outline() -> list[Any]:
    """Make the outline that keeps a text legible on lines."""
    return [withStroke(linewidth=2.5, foreground=PAPER)]


def drop_unknown(values: Sequence[float | None]) -> list[float]:
    """Return NaN for each unknown or infinite value, because matplotlib draws gaps there."""
    return [value if value is not None and math.isfinite(value) else math.nan for value in values]


def list_finite(values: Sequence[float | None]) -> list[float]:
    """Return the known, finite values."""
    return [value for value in values if value is not None and math.isfinite(value)]
