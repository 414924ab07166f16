"""A chart that is drawn alone, or beside others in one figure."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, FigureBase
from matplotlib.layout_engine import ConstrainedLayoutEngine

from .style import FONT, INK, MUTED, PAPER, SETTINGS, SMALL_FONT, TITLE_FONT, shorten_name

# Work that needs the final position of axes, such as the placement of labels.
Finish = Callable[[], None]
DOTS_PER_INCH = 100
MAX_COLUMNS = 3
_TITLE_INCHES = 0.35


@dataclass(frozen=True)
class Chart:
    """A chart.

    Attributes
    ----------
    title
        Short title. A figure shows it; a page has it as the name of the picture.
    description
        Sentences that say what the chart shows, for readers who do not see it.
    width, height
        Size in inches.
    draw
        Function that draws the chart into a figure or a part of one. It may return a function that ends the drawing
        once all axes have their places.
    least_width
        Width in inches that a map of many rows needs for the text of each. Zero for a chart of any width.
    """

    title: str
    description: str
    width: float
    height: float
    draw: Callable[[FigureBase], Finish | None]
    least_width: float = 0.0

    def build_figure(self, *, titled: bool = True) -> Figure:
        """Draw the chart into a figure of its own."""
        return _build(self.width, self.height + _TITLE_INCHES * titled, lambda figure: _draw(self, figure, titled))

    def fit_width(self, width: float) -> Chart:
        """Return the chart in a width in inches, or in its least one if that is larger."""
        return replace(self, width=max(width, self.least_width))

    def replace_title(self, title: str) -> Chart:
        """Return the chart with another title."""
        return replace(self, title=title)


@contextmanager
def apply_style() -> Iterator[None]:
    """Apply the style of all charts within a block, whatever the user's own settings of matplotlib are."""
    with matplotlib.rc_context(SETTINGS), warnings.catch_warnings():
        # The font lacks Chinese and Japanese characters. Browsers show them, pictures have a box there.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def arrange_charts(charts: Sequence[Chart], title: str = "") -> Figure:
    """Draw charts into one figure, in columns of about the same height.

    Parameters
    ----------
    charts
        One or more charts, in the order of reading.
    title
        Title of the whole figure.
    """
    if len(charts) == 1:
        return charts[0].replace_title(title or charts[0].title).build_figure()
    columns = _divide_into_columns(charts)
    heights = [sum(chart.height + _TITLE_INCHES for chart in column) for column in columns]
    widths = [max(chart.width for chart in column) for column in columns]
    room = _TITLE_INCHES if title else 0

    def draw(figure: FigureBase) -> list[Finish]:
        if title:
            figure.suptitle(shorten_name(title, 120), fontsize=TITLE_FONT + 1.5, color=INK)
        parts = figure.subfigures(1, len(columns), width_ratios=widths, squeeze=False)[0]
        return [finish for part, column in zip(parts, columns, strict=True) for finish in _draw_column(part, column)]

    return _build(sum(widths), max(heights) + room, draw)


def _divide_into_columns(charts: Sequence[Chart]) -> list[list[Chart]]:
    """Put each chart into the column that is the shortest so far."""
    count = min(MAX_COLUMNS, len(charts), max(2, round(len(charts) ** 0.5)))
    columns: list[list[Chart]] = [[] for _ in range(count)]
    for chart in charts:
        min(columns, key=lambda column: sum(one.height for one in column)).append(chart)
    return [column for column in columns if column]


def _draw_column(part: FigureBase, column: Sequence[Chart]) -> list[Finish]:
    ratios = [chart.height + _TITLE_INCHES for chart in column]
    places = part.subfigures(len(column), 1, height_ratios=ratios, squeeze=False)[:, 0]
    return [finish for chart, place in zip(column, places, strict=True) for finish in _draw(chart, place, titled=True)]


def _draw(chart: Chart, place: FigureBase, titled: bool) -> list[Finish]:
    if titled:
        place.suptitle(shorten_name(chart.title, 80), fontsize=TITLE_FONT, color=INK, x=0.02, ha="left")
    finish = chart.draw(place)
    return [finish] if finish else []


def _build(width: float, height: float, draw: Callable[[FigureBase], list[Finish]]) -> Figure:
    with apply_style():
        figure = Figure(
            figsize=(width, height), dpi=DOTS_PER_INCH, layout=ConstrainedLayoutEngine(w_pad=0.06), facecolor=PAPER
        )
        FigureCanvasAgg(figure)
        finishes = draw(figure)
        # Places of labels depend on those of the axes. The first layout is still a little too narrow for long names.
        figure.draw_without_rendering()
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        for finish in finishes:
            finish()
    return figure


def draw_nothing(place: FigureBase, reason: str) -> None:
    """Write into a figure why there is nothing to draw."""
    place.text(0.5, 0.5, reason, ha="center", va="center", fontsize=FONT, color=MUTED)


def write_note(place: FigureBase, text: str) -> None:
    """Write a small note below a chart, such as what is left out."""
    if text:
        place.supxlabel(text, fontsize=SMALL_FONT, color=MUTED, x=0.02, ha="left")
