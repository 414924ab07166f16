"""Reliability diagrams: predicted probabilities against observed frequencies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from .chart import Chart, draw_nothing
from .style import BLUE, GREY, INK, MUTED, ORANGE, PAPER, SMALL_FONT, format_axes, format_number_axis

_COLOURS = (ORANGE, BLUE)
_MARKERS = ("s", "o")


class _Bin(Protocol):
    @property
    def count(self) -> int: ...
    @property
    def predicted(self) -> float: ...
    @property
    def happened(self) -> float: ...


class _Reliability(Protocol):
    @property
    def bins(self) -> Sequence[_Bin]: ...
    @property
    def calibration_error(self) -> float: ...


@dataclass(frozen=True)
class ReliabilityCurve:
    """Bins of predictions, by increasing probability. All sequences have the same length.

    Attributes
    ----------
    name
        Name such as ``before calibration``.
    predicted, happened
        Mean probability of each bin, and the share of its predictions that were true.
    counts
        Number of predictions in each bin.
    calibration_error
        Expected calibration error, or None.
    """

    name: str
    predicted: Sequence[float]
    happened: Sequence[float]
    counts: Sequence[int]
    calibration_error: float | None = None

    @classmethod
    def read(cls, name: str, reliability: _Reliability) -> Self:
        """Return the curve of bins with the attributes ``predicted``, ``happened`` and ``count``."""
        bins = reliability.bins
        return cls(
            name,
            [one.predicted for one in bins],
            [one.happened for one in bins],
            [one.count for one in bins],
            reliability.calibration_error,
        )


def build_reliability_chart(curves: Sequence[ReliabilityCurve], *, title: str = "Reliability") -> Chart:
    """Build the reliability diagram of one or two curves, such as before and after calibration.

    The area of a point is proportional to the number of its predictions. Niculescu-Mizil & Caruana (ICML 2005) describe
    such diagrams.
    """
    shown = [curve for curve in curves if len(curve.predicted)][: len(_COLOURS)]

    def draw(place: FigureBase) -> None:
        if not shown:
            draw_nothing(place, "No prediction is scored yet.")
            return
        axes = place.subplots()
        format_axes(axes, x="predicted probability", y="share that was true")
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
        axes.text(0.12, 0.06, "perfect", color=MUTED, fontsize=SMALL_FONT)
        most = max(count for curve in shown for count in curve.counts)
        styles = list(zip(_COLOURS, _MARKERS, strict=True))[-len(shown) :]
        for number, (curve, (colour, marker)) in enumerate(zip(shown, styles, strict=True)):
            _draw_curve(axes, curve, colour, marker, most)
            axes.plot([0.03], [0.955 - 0.085 * number], marker, color=colour, markersize=5)
            axes.text(0.07, 0.955 - 0.085 * number, _name(curve), va="center", color=INK, fontsize=SMALL_FONT)
        axes.set_xlim(-0.03, 1.03)
        axes.set_ylim(-0.03, 1.03)
        axes.set_aspect("equal", adjustable="box")
        format_number_axis(axes.xaxis)
        format_number_axis(axes.yaxis)

    described = " ".join(
        f"{curve.name}: expected calibration error {curve.calibration_error:.4f}."
        for curve in shown
        if curve.calibration_error is not None
    )
    return Chart(title, f"Predicted probabilities against observed frequencies. {described}".strip(), 4.6, 4.2, draw)


def _name(curve: ReliabilityCurve) -> str:
    return curve.name if curve.calibration_error is None else f"{curve.name}, error {curve.calibration_error:.4f}"


def _draw_curve(axes: Axes, curve: ReliabilityCurve, colour: str, marker: str, most: int) -> None:
    axes.plot(curve.predicted, curve.happened, color=colour, linewidth=1.4)
    sizes = [12 + 60 * count / most for count in curve.counts]
    axes.scatter(curve.predicted, curve.happened, s=sizes, color=colour, marker=marker, edgecolors=PAPER, zorder=3)
