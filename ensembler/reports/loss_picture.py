"""Backbones in a picture: log loss against time and against size, and those that nothing beats in both."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from ..storage import write_file_atomically
from .labels import Box, Label, place_labels

# Okabe & Ito's colours, which people who see colours otherwise can tell apart.
FRONT_COLOUR, OTHER_COLOUR, LINE_COLOUR = "#0072B2", "#7F7F7F", "#56B4E9"
FIGURE_INCHES, DOTS_PER_INCH = (12.0, 5.6), 100
FRONT_FONT_SIZE, OTHER_FONT_SIZE = 9.5, 7.5
# How many times as much the worst loss is as the best, from which the axis is logarithmic.
LOG_SCALE_RATIO = 4.0
# Pixels from a point beyond which a line leads to its label.
LEADER_PIXELS = 16.0
# Loss or time that stands for nothing on an axis that has no zero.
MIN_VALUE = 1e-6


@dataclass(frozen=True)
class PlottedBackbone:
    """A backbone to be drawn.

    Attributes
    ----------
    name
        Its name.
    log_loss, standard_error
        Out of fold.
    milliseconds
        Of one photo; None if that was not measured.
    parameters
        Numbers in its weights.
    finished
        Whether it was judged on all photos; else it is drawn hollow.
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
    """Return those that no other one beats in both cost and log loss, by rising cost."""
    best: list[PlottedBackbone] = []
    for one in sorted(candidates, key=lambda one: (cost(one), one.log_loss)):
        if not best or one.log_loss < best[-1].log_loss:
            best.append(one)
    return best


def draw_losses(candidates: Sequence[PlottedBackbone], title: str, png: Path, svg: Path) -> None:
    """Draw log loss against milliseconds and against parameters, with error bars and both Pareto fronts.

    The files depend on the figures alone: drawn twice, they have the same bytes.

    Raises
    ------
    StorageError
        If the disk refuses.
    """
    figure = build_figure(candidates, title)
    with write_file_atomically(png) as temporary:
        figure.savefig(temporary, metadata={"Software": None, "Title": title})
    with matplotlib.rc_context({"svg.hashsalt": "ensembler"}), write_file_atomically(svg) as temporary:
        figure.savefig(temporary, metadata={"Date": None, "Title": title})


def build_figure(candidates: Sequence[PlottedBackbone], title: str) -> Figure:
    """Lay the picture out; see :func:`draw_losses`."""
    figure = Figure(figsize=FIGURE_INCHES, dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=12)
    left, right = figure.subplots(1, 2, sharey=True)
    timed = [one for one in candidates if one.milliseconds is not None]
    panels = [
        (left, timed, lambda one: max(MIN_VALUE, float(one.milliseconds or 0)), "milliseconds a photo, one at a time"),
        (right, list(candidates), lambda one: max(1, one.parameters) / 1e6, "million parameters"),
    ]
    for axes, shown, cost, name in panels:
        _draw_points(axes, shown, cost)
        axes.set_xlabel(name)
    _format_loss_axis(left, candidates)
    left.set_ylabel("log loss, out of fold \N{PLUS-MINUS SIGN} standard error")
    if not all(one.finished for one in candidates):
        right.plot([], [], "o", color=OTHER_COLOUR, markerfacecolor="white", label="judged on a part of the photos")
        right.legend(loc="upper right", fontsize=OTHER_FONT_SIZE, frameon=False)
    # Places of points are known once everything else has its place.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes, shown, cost, _ in panels:
        _draw_labels(axes, shown, cost)
    return figure


def _draw_points(axes: Axes, shown: Sequence[PlottedBackbone], cost: Callable[[PlottedBackbone], float]) -> None:
    costs = [cost(one) for one in shown] or [1.0]
    # Limits first: a logarithmic axis of a single value has none of its own.
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
        axes.errorbar(
            cost(one),
            max(MIN_VALUE, one.log_loss),
            yerr=_compute_error_bar(one),
            fmt="o",
            color=colour,
            markersize=6,
            markerfacecolor=colour if one.finished else "white",
            elinewidth=0.8,
            alpha=1.0 if one in best else 0.75,
            zorder=3 if one in best else 2,
        )
    axes.margins(y=0.1)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _compute_error_bar(one: PlottedBackbone) -> list[list[float]]:
    """Lengths of the error bar downwards and upwards; on a logarithmic axis it must not reach zero."""
    if not math.isfinite(one.standard_error):
        return [[0.0], [0.0]]
    return [[min(one.standard_error, 0.95 * one.log_loss)], [one.standard_error]]


def _format_loss_axis(axes: Axes, candidates: Sequence[PlottedBackbone]) -> None:
    losses = [max(MIN_VALUE, one.log_loss) for one in candidates]
    if max(losses) > LOG_SCALE_RATIO * min(losses):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())


def _draw_labels(axes: Axes, shown: Sequence[PlottedBackbone], cost: Callable[[PlottedBackbone], float]) -> None:
    """Write names beside points: those of the front always, others where there is room."""
    best = find_pareto_front(shown, cost)
    ordered = [*best, *sorted((one for one in shown if one not in best), key=lambda one: one.log_loss)]
    texts = [_draw_text(axes, one.name, important=one in best) for one in ordered]
    renderer: Any = axes.figure.canvas.get_renderer()  # type: ignore[attr-defined]
    places = {one: _convert_to_pixels(axes, cost(one), max(MIN_VALUE, one.log_loss)) for one in ordered}
    labels = []
    for one, text in zip(ordered, texts, strict=True):
        size = text.get_window_extent(renderer)
        x, y = places[one]
        labels.append(Label(x, y, size.width, size.height, required=one in best))
    frame = _make_box(axes.get_window_extent(renderer)).pad(-2)
    to_data = axes.transData.inverted()
    legend = axes.get_legend()
    others = [_make_box(legend.get_window_extent(renderer))] if legend else []
    for one, text, box in zip(ordered, texts, place_labels(labels, list(places.values()), frame, others), strict=True):
        if box is None:
            text.remove()
            continue
        text.set_position(to_data.transform(((box.left + box.right) / 2, (box.bottom + box.top) / 2)))
        _draw_leader(axes, places[one], box)


def _convert_to_pixels(axes: Axes, x: float, y: float) -> tuple[float, float]:
    across, up = axes.transData.transform((x, y))
    return float(across), float(up)


def _make_box(extent: Any) -> Box:
    return Box(extent.x0, extent.y0, extent.x1, extent.y1)


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
        # Lines that cross a name leave it legible.
        path_effects=[withStroke(linewidth=2.5, foreground="white")],
    )


def _draw_leader(axes: Axes, point: tuple[float, float], box: Box) -> None:
    """Draw a thin line from a label that is far from its point."""
    x, y = point
    nearest = (min(max(x, box.left), box.right), min(max(y, box.bottom), box.top))
    if math.dist(nearest, point) > LEADER_PIXELS:
        ends = axes.transData.inverted().transform([point, nearest])
        axes.plot(ends[:, 0], ends[:, 1], color="#B3B3B3", linewidth=0.6, zorder=1, scalex=False, scaley=False)
