"""ROC curves and precision-recall curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from numpy.typing import NDArray

from .chart import Chart, draw_nothing, write_note
from .style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    SKY,
    SMALL_FONT,
    format_axes,
    format_number_axis,
    make_outline,
    shorten_name,
)

MAX_POINTS = 300
# Curves with a name of their own. More are thin lines, as the curves of many classes.
MAX_NAMED = 3
MAX_CURVES = 60
_COLOURS = (BLUE, ORANGE, GREY)


@dataclass(frozen=True)
class OperatingCurve:
    """A curve over all thresholds.

    Attributes
    ----------
    name
        Name of the class, the stack or the member.
    x, y
        False positive rate and true positive rate of an ROC curve, or recall and precision, from 0 to 1, along the
        curve.
    area
        Area under the curve, or None.
    """

    name: str
    x: Sequence[float] | NDArray[np.floating]
    y: Sequence[float] | NDArray[np.floating]
    area: float | None = None


def thin_curve(
    x: Sequence[float] | NDArray[np.floating], y: Sequence[float] | NDArray[np.floating], most: int = MAX_POINTS
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return at most ``most`` points of a curve, at about equal distances along it, with both ends."""
    xs, ys = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if len(xs) <= most:
        return xs, ys
    length = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(xs)) + np.abs(np.diff(ys)))])
    wanted = np.linspace(0.0, length[-1], most)
    chosen = np.unique(np.clip(np.searchsorted(length, wanted), 0, len(xs) - 1))
    chosen = np.unique(np.concatenate([[0], chosen[1:-1], [len(xs) - 1]]))
    return xs[chosen], ys[chosen]


def build_roc_chart(curves: Sequence[OperatingCurve], *, title: str = "ROC curve") -> Chart:
    """Build the chart of ROC curves, with the diagonal of a prediction without information."""
    return _build(curves, title, "false positive rate", "true positive rate", chance=[0.0, 1.0])


def build_precision_recall_chart(
    curves: Sequence[OperatingCurve], *, positive_share: float | None = None, title: str = "Precision and recall"
) -> Chart:
    """Build the chart of precision against recall.

    Parameters
    ----------
    curves
        Curves.
    positive_share
        Share of positive rows, which is the precision of a prediction without information. None draws no such line.
    """
    chance = None if positive_share is None else [positive_share, positive_share]
    return _build(curves, title, "recall", "precision", chance=chance)


def _build(curves: Sequence[OperatingCurve], title: str, x: str, y: str, *, chance: Sequence[float] | None) -> Chart:
    shown = [curve for curve in curves if len(curve.x)][:MAX_CURVES]

    def draw(place: FigureBase) -> None:
        if not shown:
            draw_nothing(place, "No curve is known.")
            return
        axes = place.subplots()
        format_axes(axes, x=x, y=y)
        if chance:
            axes.plot([0, 1], chance, color=GREY, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
        _draw_curves(axes, shown, low=y == "true positive rate")
        axes.set_xlim(-0.03, 1.03)
        axes.set_ylim(-0.03, 1.03)
        axes.set_aspect("equal", adjustable="box")
        format_number_axis(axes.xaxis)
        format_number_axis(axes.yaxis)
        write_note(place, f"The first {MAX_CURVES} of {len(curves)} curves." if len(curves) > len(shown) else "")

    areas = ", ".join(_name(curve) for curve in shown[:5])
    return Chart(title, f"{y} against {x} of {len(shown)} curves: {areas}.", 4.6, 4.2, draw)


def _draw_curves(axes: Axes, curves: Sequence[OperatingCurve], *, low: bool) -> None:
    named = len(curves) <= MAX_NAMED
    # Fewer points of each of many curves keep the file small.
    most = MAX_POINTS if named else max(12, MAX_POINTS * 4 // len(curves))
    for number, curve in enumerate(curves):
        colour = _COLOURS[number] if named else SKY
        axes.plot(*thin_curve(curve.x, curve.y, most), color=colour, linewidth=1.6 if named else 0.7)
        if named:
            height = 0.05 + 0.075 * (len(curves) - 1 - number)
            x = 0.3 if low else 0.03
            axes.plot([x, x + 0.06], [height, height], color=colour, linewidth=2)
            axes.text(
                x + 0.09, height, _name(curve), va="center", fontsize=SMALL_FONT, color=INK, path_effects=make_outline()
            )
    if not named:
        axes.text(
            0.97, 0.05, f"{len(curves)} curves", ha="right", fontsize=SMALL_FONT, color=INK, path_effects=make_outline()
        )


def _name(curve: OperatingCurve) -> str:
    name = shorten_name(curve.name, 22)
    return name if curve.area is None else f"{name}, area {curve.area:.4f}"
