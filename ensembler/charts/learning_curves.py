"""Learning curves: losses of each fold by epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from numpy.typing import NDArray

from .chart import Chart, draw_nothing, write_note
from .style import (
    BLUE,
    FONT,
    GREY,
    INK,
    ORANGE,
    SMALL_FONT,
    WIDTH,
    drop_unknown,
    format_axes,
    format_number_axis,
    make_outline,
    shorten_name,
)

MAX_MEMBERS = 12
# Points of all folds' curves together.
MAX_POINTS = 900
_COLUMNS = 3
# Ratio of the largest loss to the smallest from which the axis is logarithmic.
_LOG_SCALE_RATIO = 10.0


@dataclass(frozen=True)
class FoldCurve:
    """Losses of a fold by epoch. All sequences have the same length.

    Attributes
    ----------
    fold
        Number of the fold. -1 stands for training on all photos.
    epochs
        Numbers of the epochs over all phases, from 1.
    training_loss
        Mean loss over each epoch.
    validation_loss
        Log loss on photos that the fold did not learn from. None or NaN if unknown.
    phases
        Number of the phase of each epoch, from 1. Empty if there is only one.
    """

    fold: int
    epochs: Sequence[int]
    training_loss: Sequence[float | None]
    validation_loss: Sequence[float | None]
    phases: Sequence[int] = ()


@dataclass(frozen=True)
class MemberCurves:
    """Learning curves of a member."""

    name: str
    folds: Sequence[FoldCurve]


def build_learning_curve_chart(members: Sequence[MemberCurves], *, title: str = "Learning curves") -> Chart:
    """Build the chart of training and validation loss by epoch, with a panel for each member.

    Folds are thin lines, and their mean is a thick one. A vertical line marks the begin of each later phase. The first
    12 members are shown, and the others counted.
    """
    known = [member for member in members if any(fold.epochs for fold in member.folds)]
    shown = known[:MAX_MEMBERS]
    folds = sum(len(member.folds) for member in shown)
    columns = min(_COLUMNS, max(1, len(shown)))
    rows = max(1, math.ceil(len(shown) / columns))

    def draw(place: FigureBase) -> None:
        if not shown:
            draw_nothing(place, "No member was fine-tuned: fitted heads have no epochs.")
            return
        grid = place.subplots(rows, columns, squeeze=False)
        for axes, member in zip(grid.flat, shown, strict=False):
            _draw_member(axes, member, folds, alone=len(shown) == 1)
        for axes in grid.flat[len(shown) :]:
            axes.set_axis_off()
        write_note(place, f"The first {len(shown)} of {len(known)} members." if len(known) > len(shown) else "")

    names = ", ".join(shorten_name(member.name) for member in shown)
    return Chart(
        title,
        f"Training loss and validation log loss by epoch, fold by fold, of {names or 'no member'}.",
        WIDTH if columns == 1 else 2.9 * columns,
        3.4 if columns == 1 else 2.5 * rows,
        draw,
    )


def _draw_member(axes: Axes, member: MemberCurves, folds: int, *, alone: bool) -> None:
    format_axes(axes, x="epoch", y="loss")
    most = _count_points(folds)
    names = (("training", ORANGE, "training_loss"), ("validation", BLUE, "validation_loss"))
    losses: list[float] = []
    for label, colour, field in names:
        curves = [(fold.epochs, drop_unknown(getattr(fold, field))) for fold in member.folds if fold.epochs]
        losses += [value for _, values in curves for value in values if math.isfinite(value)]
        _draw_curves(axes, curves, label, colour, most)
    for epoch in sorted({epoch for fold in member.folds for epoch in _list_phase_begins(fold)}):
        axes.axvline(epoch - 0.5, color=GREY, linewidth=0.8, linestyle=(0, (3, 3)), zorder=1)
    # The names of curves are above and below their ends.
    axes.margins(y=0.12)
    positive = bool(losses) and min(losses) > 0
    logarithmic = positive and max(losses) > _LOG_SCALE_RATIO * min(losses)
    if logarithmic:
        axes.set_yscale("log")
    format_number_axis(axes.yaxis, logarithmic=logarithmic)
    format_number_axis(axes.xaxis, whole=True)
    if not alone:
        axes.set_title(shorten_name(member.name), fontsize=FONT, color=INK, loc="left")


def _draw_curves(
    axes: Axes, curves: Sequence[tuple[Sequence[int], Sequence[float]]], label: str, colour: str, most: int
) -> None:
    known = [(epochs, values) for epochs, values in curves if any(map(math.isfinite, values))]
    if not known:
        return
    several = len(known) > 1
    for epochs, values in known:
        marker = "o" if len(epochs) == 1 else ""
        kept = _thin(len(epochs), most)
        axes.plot(
            [epochs[place] for place in kept],
            [values[place] for place in kept],
            marker=marker,
            color=colour,
            linewidth=0.7 if several else 1.8,
            alpha=0.45 if several else 1,
        )
    epochs, mean = _average(known)
    if several:
        axes.plot(epochs, mean, color=colour, linewidth=2.0, marker="o" if len(epochs) == 1 else "")
    last = max((place for place, value in enumerate(mean) if math.isfinite(value)), default=0)
    axes.annotate(
        label,
        (float(epochs[last]), float(mean[last])),
        xytext=(-2, 5 if label == "validation" else -5),
        textcoords="offset points",
        ha="right",
        va="bottom" if label == "validation" else "top",
        color=colour,
        fontsize=SMALL_FONT,
        path_effects=make_outline(),
    )


def _count_points(folds: int) -> int:
    """Return the number of points of each fold's curves, so that a picture of many folds stays small."""
    return max(8, MAX_POINTS // max(1, 2 * folds))


def _thin(length: int, most: int) -> list[int]:
    """Return up to ``most`` places of a curve at equal distances, with both ends."""
    count = min(length, most)
    return sorted({round(place * (length - 1) / max(1, count - 1)) for place in range(count)})


def _average(curves: Sequence[tuple[Sequence[int], Sequence[float]]]) -> tuple[list[int], NDArray[np.float64]]:
    """Return the epochs that any fold has, and the mean loss of the folds that have each."""
    by_epoch: dict[int, list[float]] = {}
    for epochs, values in curves:
        for epoch, value in zip(epochs, values, strict=True):
            by_epoch.setdefault(epoch, []).extend([value] if math.isfinite(value) else [])
    epochs = sorted(by_epoch)
    return epochs, np.array([np.mean(by_epoch[epoch]) if by_epoch[epoch] else math.nan for epoch in epochs])


def _list_phase_begins(fold: FoldCurve) -> list[int]:
    """Return the first epochs of all phases but the first."""
    phases = list(fold.phases)
    return [
        epoch
        for epoch, before, phase in zip(list(fold.epochs)[1:], phases, phases[1:], strict=False)
        if phase != before
    ]
