"""Confusion matrix, and the pairs of classes that are confused most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import FigureBase
from numpy.typing import NDArray

from .bars import Bar, compute_bar_height, draw_bars
from .chart import Chart, draw_nothing, write_note
from .correlations import SCALE
from .style import INK, ON_DARK, ON_LIGHT, SMALL_FONT, WIDTH, shorten_name, shorten_names

# Classes up to which the matrix is drawn, and pairs of more classes.
MAX_MATRIX, MAX_PAIRS = 20, 30
# Most classes whose names fit below their columns, and the width of a digit.
_LEVEL_NAMES, _DIGIT_INCHES = 3, 0.071


@dataclass(frozen=True)
class ConfusedPair:
    """Photos of class ``actual`` that were taken for ``predicted``, among ``photos`` of class ``actual``."""

    actual: str
    predicted: str
    count: int
    photos: int


def build_confusion_chart(
    classes: Sequence[str], counts: NDArray[np.integer], *, title: str = "Confusion matrix"
) -> Chart:
    """Build the confusion matrix of up to 20 classes. For more, use :func:`build_confused_pairs_chart`.

    Parameters
    ----------
    classes
        Names of the classes.
    counts
        Numbers of photos, shape (classes, classes): rows are actual classes, columns are predicted ones.
    """
    values = np.asarray(counts)
    names = shorten_names(classes, 14)
    digits = max((len(_format_count(int(count))) for count in values.flat), default=1)
    least = 1.25 + (0.05 + _DIGIT_INCHES * digits) * len(names)
    turned = _DIGIT_INCHES * max(map(len, names), default=0) if len(names) > _LEVEL_NAMES else 0.15

    def draw(place: FigureBase) -> None:
        if not values.sum():
            draw_nothing(place, "No photo is scored yet.")
            return
        _draw_matrix(place.subplots(), values, names)
        write_note(place, "Colours are shares of the row.")

    right = np.trace(values) / max(1, values.sum())
    described = (
        f"Confusion matrix of {len(names)} classes and {values.sum():,} photos; {right:.1%} are on the diagonal."
    )
    return Chart(title, described, max(4.2, least), 0.9 + turned + max(1.4, 0.3 * len(names)), draw, least)


def _draw_matrix(axes: Axes, values: NDArray[np.integer], names: Sequence[str]) -> None:
    shares = values / np.maximum(values.sum(axis=1, keepdims=True), 1)
    scale = Normalize(0.0, 1.0)
    axes.imshow(shares, cmap=SCALE, norm=scale, interpolation="none", aspect="auto")
    axes.set_xticks(range(len(names)), names, rotation=90 if len(names) > _LEVEL_NAMES else 0, color=INK)
    axes.set_yticks(range(len(names)), names, color=INK)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("actual class")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for (row, column), value in np.ndenumerate(values):
        if value:
            colour = ON_DARK if shares[row, column] > 0.55 else ON_LIGHT
            axes.text(
                column, row, _format_count(int(value)), ha="center", va="center", fontsize=SMALL_FONT, color=colour
            )


def _format_count(count: int) -> str:
    return f"{count}" if count < 10_000 else f"{count / 1000:,.0f}k"


def build_confused_pairs_chart(
    pairs: Sequence[ConfusedPair], *, title: str = "Classes that are confused most", most: int = MAX_PAIRS
) -> Chart:
    """Build bars of the pairs of classes that are confused most, by the number of photos."""
    ordered = sorted((pair for pair in pairs if pair.count), key=lambda pair: (-pair.count, pair.actual))
    shown = ordered[:most]
    bars = [
        Bar(
            f"{shorten_name(pair.actual, 16)} \N{RIGHTWARDS ARROW} {shorten_name(pair.predicted, 16)}",
            pair.count,
            f"{pair.count:,} of {pair.photos:,}",
        )
        for pair in shown
    ]
    note = f"The first {most} of {len(ordered):,} pairs." if len(ordered) > most else ""
    worst = f" The first is {shown[0].actual} taken for {shown[0].predicted}." if shown else ""
    return Chart(
        title,
        f"Photos of one class that were taken for another, for {len(shown)} pairs.{worst}",
        WIDTH,
        compute_bar_height(len(bars)),
        lambda place: draw_bars(
            place,
            bars,
            "photos, actual class \N{RIGHTWARDS ARROW} predicted class",
            note=note,
            absent="No class was confused with another.",
        ),
    )
