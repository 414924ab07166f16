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

# Members up to which numbers are in the cells, and up to which columns are named too.
MAX_NUMBERS, MAX_NAMED_COLUMNS = 12, 40
MAX_MEMBERS = 100
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
    side = max(2.6, min(9.0, 0.9 + 0.36 * len(shown))) if len(shown) <= MAX_NUMBERS else 0.9 + 0.13 * len(shown)

    def draw(place: FigureBase) -> None:
        if len(shown) < 2:
            draw_nothing(place, "A single member has no correlations.")
            return
        axes = place.subplots()
        _draw_cells(axes, values, shown)
        note = f"The first {MAX_MEMBERS} of {len(names)} members." if len(names) > MAX_MEMBERS else ""
        write_note(place, note)

    return Chart(title, _describe(shown, values), max(WIDTH, side + 2.4), max(2.2, side + 0.6), draw)


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
    image = axes.imshow(values, cmap=SCALE, norm=scale, interpolation="none", aspect="equal")
    size = SMALL_FONT if len(names) <= MAX_NAMED_COLUMNS else 6.0
    axes.set_yticks(range(len(names)), names, fontsize=size, color=INK)
    if len(names) <= MAX_NAMED_COLUMNS:
        axes.set_xticks(range(len(names)), names, fontsize=size, color=INK, rotation=90)
    else:
        axes.set_xticks([])
        axes.set_xlabel("the same members, in the same order")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if len(names) <= MAX_NUMBERS:
        for (row, column), value in np.ndenumerate(values):
            colour = ON_DARK if scale(value) > 0.55 else ON_LIGHT
            text = f"{value:.2f}" if np.isfinite(value) else "?"
            axes.text(column, row, text, ha="center", va="center", fontsize=SMALL_FONT - 0.5, color=colour)
    bar = axes.figure.colorbar(
        image, ax=axes, shrink=0.8, aspect=30, fraction=0.05, pad=0.02, label="correlation of errors"
    )
    bar.outline.set_edgecolor(GREY)
