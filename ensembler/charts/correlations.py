"""Heat map of correlations between the errors of members."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import FigureBase
from numpy.typing import NDArray

from .chart import Chart, draw_nothing, write_note
from .style import GREY, INK, ON_DARK, ON_LIGHT, SMALL_FONT, WIDTH, shorten_names

# Members up to which numbers are in the cells.
MAX_NUMBERS = 12
MAX_MEMBERS = 100
# Sizes of a large map: names and scale, and a cell.
_NAMES_INCHES, _LARGE_CELL_INCHES = 2.4, 0.15
SCALE = LinearSegmentedColormap.from_list("errors", ["#F7FBFF", "#9CCBE8", "#2F7FBC", "#08306B"])


def build_correlation_chart(
    names: Sequence[str], correlations: NDArray[np.floating], *, title: str = "Correlation of errors"
) -> Chart:
    """Build the heat map of correlations between members' errors, in the order of ``names``.

    Parameters
    ----------
    names
        Names of the members. The first 100 are shown.
    correlations
        Correlations of shape (members, members). NaN if unknown.
    """
    values = np.asarray(correlations, dtype=np.float64)[:MAX_MEMBERS, :MAX_MEMBERS]
    shown = shorten_names(names[:MAX_MEMBERS], 20)
    is_large = len(shown) > MAX_NUMBERS
    width = _NAMES_INCHES + _LARGE_CELL_INCHES * len(shown) if is_large else 0.0
    height = 0.6 + (_LARGE_CELL_INCHES if is_large else 0.3) * len(shown)

    def draw(place: FigureBase) -> None:
        if len(shown) < 2:
            draw_nothing(place, "A single member has no correlations.")
            return
        axes = place.subplots()
        _draw_cells(axes, values, shown)
        note = f"The first {MAX_MEMBERS} of {len(names)} members." if len(names) > MAX_MEMBERS else ""
        write_note(place, note)

    return Chart(title, _describe(shown, values), max(WIDTH, width), max(1.8, height), draw, width)


def _describe(names: Sequence[str], values: NDArray[np.float64]) -> str:
    pairs = [(values[i, j], i, j) for i in range(len(names)) for j in range(i) if np.isfinite(values[i, j])]
    if not pairs:
        return "Correlations of errors between members."
    (high, a, b), (low, c, d) = max(pairs), min(pairs)
    return (
        f"Correlations of errors between {len(names)} members. The most alike are {names[b]} and {names[a]} "
        f"({high:.2f}), the least {names[d]} and {names[c]} ({low:.2f})."
    )


def _draw_cells(axes: Axes, values: NDArray[np.float64], names: Sequence[str]) -> None:
    others = values[~np.eye(len(values), dtype=bool)]
    least = float(np.nanmin(others)) if np.isfinite(others).any() else 0.0
    scale = Normalize(min(0.0, np.floor(least * 10) / 10) if least < 0.3 else np.floor(least * 10) / 10, 1.0)
    image = axes.imshow(values, cmap=SCALE, norm=scale, interpolation="none", aspect="auto")
    # Numbers in place of the columns' names leave more room for the cells.
    axes.set_yticks(range(len(names)), [f"{name}  {row}" for row, name in enumerate(names, 1)], color=INK)
    step = 1 if len(names) <= MAX_NUMBERS else 5
    columns = range(step - 1, len(names), step)
    axes.set_xticks(columns, [f"{column + 1}" for column in columns], color=INK)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if len(names) <= MAX_NUMBERS:
        for (row, column), value in np.ndenumerate(values):
            colour = ON_DARK if scale(value) > 0.55 else ON_LIGHT
            axes.text(column, row, _format(value), ha="center", va="center", fontsize=SMALL_FONT, color=colour)
        return
    bar = axes.figure.colorbar(
        image, ax=axes, shrink=0.8, aspect=30, fraction=0.05, pad=0.02, label="correlation of errors"
    )
    bar.outline.set_edgecolor(GREY)


def _format(value: float) -> str:
    """Format a correlation in the width of a small cell."""
    return f"{value:.2f}".replace("0.", ".").replace("1.00", "1") if np.isfinite(value) else "?"
