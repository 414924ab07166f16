"""Picture of backbones: log loss against time and against size, with Pareto fronts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from ..storage import write_file_atomically
from .labels import place_labels

# Colours of Okabe & Ito, which are distinguishable with colour blindness.
FRONT_COLOUR, OTHER_COLOUR, LINE_COLOUR = "#0072B2", "#7F7F7F", "#56B4E9"
FIGURE_INCHES, DOTS_PER_INCH = (12.0, 5.6), 100
FRONT_FONT_SIZE, OTHER_FONT_SIZE = 9.5, 7.5
# Ratio of the worst loss to the best from which the axis is logarithmic.
LOG_SCALE_RATIO = 4.0
# Distance in pixels from which a line connects a label with its point.
LEADER_PIXELS = 16.0
# Least loss or time, because a logarithmic axis has no zero.
MIN_VALUE = 1e-6


@dataclass(frozen=True)
class PlottedBackbone:
    """Backbone in the picture.

    Attributes
    ----------
    name
        Name of the backbone.
    log_loss, standard_error
        Out-of-fold log loss and its standard error.
    milliseconds
        Time of one photo. None if not measured.
    parameters
        Number of parameters.
    finished
        Whether the backbone was evaluated on all photos. Others are drawn hollow.
    """

    name: str
    log_loss: float
    standard_error: float
    milliseconds: float | None
    parameters: int
    finished: bool


def find_pareto_front(
    candidates: Sequence[PlottedBackbone], cost: Callable[[PlottedBackbone], float]
) -> list[PlottedBackbone]:
    """Return the candidates that none beats in both cost and log loss, by increasing cost."""
    best: list[PlottedBackbone] = []
    for one in sorted(candidates, key=lambda one: (cost(one), one.log_loss)):
        if not best or one.log_loss < best[-1].log_loss:
            best.append(one)
    return best


def draw_losses(candidates: Sequence[PlottedBackbone], title: str, png: Path, svg: Path) -> None:
    """Draw log loss against milliseconds and against parameters, with error bars and both Pareto fronts.

    The bytes of the files depend only on the candidates and the title.

    Raises
    ------
    StorageError
        If writing fails.
    """
    figure = build_figure(candidates, title)
    with write_file_atomically(png) as temporary:
        figure.savefig(temporary, metadata={"Software": None, "Title": title})
    with matplotlib.rc_context({"svg.hashsalt": "ensembler"}), write_file_atomically(svg) as temporary:
        figure.savefig(temporary, metadata={"Date": None, "Title": title})


def build_figure(candidates: Sequence[PlottedBackbone], title: str) -> Figure:
    """Build the picture of :func:`draw_losses`."""
    figure = Figure(figsize=FIGURE_INCHES, dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=12)
    left, right = figure.subplots(1, 2, sharey=True)
    timed = [one for one in candidates if one.milliseconds is not None]
    panels = [
        (left, timed, lambda one: max(MIN_VALUE, one.milliseconds or 0), "milliseconds per photo, batch size 1"),
        (right, list(candidates), lambda one: max(1, one.parameters) / 1e6, "million parameters"),
    ]
    for axes, shown, cost, name in panels:
        _draw_points(axes, shown, cost)
        axes.set_xlabel(name)
    _format_loss_axis(left, candidates)
    left.set_ylabel("log loss, out of fold \N{PLUS-MINUS SIGN} standard error")
    if not all(one.finished for one in candidates):
        right.plot([], [], "o", color=OTHER_COLOUR, markerfacecolor="white", label="evaluated on a part of the photos")
        right.legend(loc="upper right", fontsize=OTHER_FONT_SIZE, frameon=False)
    # The positions of points depend on the layout.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes, shown, cost, _ in panels:
        _draw_labels(axes, shown, cost)
    return figure


def _draw_points(axes: Axes, shown: Sequence[PlottedBackbone], cost: Callable[[PlottedBackbone], float]) -> None:
    costs = [cost(one) for one in shown] or [1.0]
    # A logarithmic axis of a single value has no limits of its own.
    room = max(1.5, (max(costs) / min(costs)) ** 0.12)
    axes.set_xlim(min(costs) / room, max(costs) * room)
    axes.set_xscale("log")
    axes.grid(visible=True, which="major", color="#E6E6E6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    best = find_pareto_front(shown, cost)
    if len(best) > 1:
        axes.step(
            [cost(one) for one in best], [one.log_loss for one in best], where="post", color=LINE_COLOUR, linewidth=1.2
        )
    for one in shown:
        colour = FRONT_COLOUR if one in best else OTHER_COLOUR
        error = one.standard_error if math.isfinite(one.standard_error) else 0.0
        axes.errorbar(
            cost(one),
            max(MIN_VALUE, one.log_loss),
            # An error bar must not reach zero on a logarithmic axis.
            yerr=[[min(error, 0.95 * one.log_loss)], [error]],
            fmt="o",
            color=colour,
            markersize=6,
            markerfacecolor=colour if one.finished else "white",
            elinewidth=0.8,
            alpha=1.0 if one in best else 0.75,
            zorder=3 if one in best else 2,
        )
    axes.margins(y=0.1)
    _format_log_axis(axes.xaxis)


def _format_loss_axis(axes: Axes, candidates: Sequence[PlottedBackbone]) -> None:
    losses = [max(MIN_VALUE, one.log_loss) for one in candidates]
    if max(losses) > LOG_SCALE_RATIO * min(losses):
        axes.set_yscale("log")
        _format_log_axis(axes.yaxis)


def _format_log_axis(axis: Any) -> None:
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _draw_labels(axes: Axes, shown: Sequence[PlottedBackbone], cost: Callable[[PlottedBackbone], float]) -> None:
    """Write names beside points, always for the front, and for others if there is room."""
    if not shown:
        return
    best = find_pareto_front(shown, cost)
    ordered = [*best, *sorted((one for one in shown if one not in best), key=lambda one: one.log_loss)]
    texts = [_draw_text(axes, one.name, important=one in best) for one in ordered]
    renderer: Any = axes.figure.canvas.get_renderer()  # type: ignore[attr-defined]
    points = axes.transData.transform([(cost(one), max(MIN_VALUE, one.log_loss)) for one in ordered])
    sizes = np.array([text.get_window_extent(renderer).size for text in texts])
    frame = np.array(axes.get_window_extent(renderer).padded(-2).extents)
    others = [legend.get_window_extent(renderer).extents] if (legend := axes.get_legend()) else []
    boxes = place_labels(points, sizes, [one in best for one in ordered], frame, np.array(others))
    to_data = axes.transData.inverted()
    for point, text, box in zip(points, texts, boxes, strict=True):
        if box is None:
            text.remove()
            continue
        text.set_position(to_data.transform((box[:2] + box[2:]) / 2))
        # A thin line connects a distant label with its point.
        nearest = np.clip(point, box[:2], box[2:])
        if np.hypot(*(nearest - point)) > LEADER_PIXELS:
            ends = to_data.transform([point, nearest])
            axes.plot(ends[:, 0], ends[:, 1], color="#B3B3B3", linewidth=0.6, zorder=1, scalex=False, scaley=False)


def _draw_text(axes: Axes, name: str, *, important: bool) -> Any:
    return axes.text(
        1,
        1,
        name,
        ha="center",
        va="center",
        fontsize=FRONT_FONT_SIZE if important else OTHER_FONT_SIZE,
        fontweight="bold" if important else "normal",
        color="#1A1A1A" if important else "#595959",
        zorder=4,
        # The outline keeps names legible that lines cross.
        path_effects=[withStroke(linewidth=2.5, foreground="white")],
    )
