"""Picture of backbones: log loss against time and against size, with Pareto fronts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..storage import write_file_atomically
from .chart import apply_style
from .costs import MIN_VALUE, CostPoint, draw_cost_points, label_cost_points, scale_scores
from .style import GREY, PAPER, SMALL_FONT, format_axes

FIGURE_INCHES, DOTS_PER_INCH = (12.0, 5.6), 100


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

    def make_point(self, cost: float | None) -> CostPoint:
        """Make its point in a panel. A logarithmic axis has no zero."""
        return CostPoint(self.name, max(MIN_VALUE, self.log_loss), self.standard_error, cost, self.finished)


def draw_losses(candidates: Sequence[PlottedBackbone], title: str, png: Path, svg: Path) -> None:
    """Draw log loss against milliseconds and against parameters, with error bars and both Pareto fronts.

    The bytes of the files depend only on the candidates and the title.

    Raises
    ------
    StorageError
        If writing fails.
    """
    figure = build_figure(candidates, title)
    with apply_style(), write_file_atomically(png) as temporary:
        figure.savefig(temporary, metadata={"Software": None, "Title": title})
    # Programs that show the file may lack the font, so texts are paths.
    with (
        apply_style(),
        matplotlib.rc_context({"svg.fonttype": "path"}),
        write_file_atomically(svg) as temporary,
    ):
        figure.savefig(temporary, metadata={"Date": None, "Title": title})


def build_figure(candidates: Sequence[PlottedBackbone], title: str) -> Figure:
    """Build the picture of :func:`draw_losses`."""
    with apply_style():
        return _build_figure(candidates, title)


def _build_figure(candidates: Sequence[PlottedBackbone], title: str) -> Figure:
    figure = Figure(figsize=FIGURE_INCHES, dpi=DOTS_PER_INCH, layout="constrained", facecolor=PAPER)
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=12)
    left, right = figure.subplots(1, 2, sharey=True)
    timed = [one.make_point(one.milliseconds) for one in candidates if one.milliseconds is not None]
    sized = [one.make_point(max(1, one.parameters) / 1e6) for one in candidates]
    panels = [(left, timed, "milliseconds per photo, batch size 1"), (right, sized, "million parameters")]
    for axes, points, name in panels:
        draw_cost_points(axes, points)
        format_axes(axes, x=name)
    scale_scores(left, sized)
    left.set_ylabel("log loss, out of fold \N{PLUS-MINUS SIGN} standard error")
    if not all(one.finished for one in candidates):
        right.plot([], [], "o", color=GREY, markerfacecolor=PAPER, label="evaluated on a part of the photos")
        right.legend(loc="upper right", fontsize=SMALL_FONT, frameon=False)
    # The positions of points depend on the layout.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes, points, _ in panels:
        label_cost_points(axes, points)
    return figure
