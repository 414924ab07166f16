from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
import pytest
from helpers.charts_made import MADE
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from ensembler.charts.chart import apply_style, arrange_charts
from ensembler.charts.style import shorten_name, shorten_names


def list_texts(figure: Figure) -> list[Text]:
    """Visible texts, without those of ticks outside the axes."""
    ticks = {
        label
        for axes in figure.findobj(Axes)
        for axis in (axes.xaxis, axes.yaxis)  # type: ignore[attr-defined]
        for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]
        for label in (tick.label1, tick.label2)
    }
    drawn = {
        label
        for axes in figure.findobj(Axes)
        for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim()))  # type: ignore[attr-defined]
        for tick in axis.get_major_ticks()
        for label in (tick.label1, tick.label2)
        if min(limits) - 1e-9 <= tick.get_loc() <= max(limits) + 1e-9
    }
    texts = [text for text in figure.findobj(Text) if text not in ticks or text in drawn]
    return [text for text in texts if text.get_visible() and text.get_text().strip()]


@pytest.mark.parametrize("kind", MADE)
@pytest.mark.parametrize("count", [0, 1, 12])
def test_no_text_leaves_the_picture_or_covers_another(kind: str, count: int) -> None:
    figure = MADE[kind](count).build_figure()
    with apply_style():
        renderer: Any = figure.canvas.get_renderer()  # type: ignore[attr-defined]
        texts = list_texts(figure)
        boxes = [text.get_window_extent(renderer) for text in texts]
    assert texts
    width, height = figure.canvas.get_width_height()
    outside = [
        text.get_text()
        for text, box in zip(texts, boxes, strict=True)
        if box.x0 < -2 or box.y0 < -2 or box.x1 > width + 2 or box.y1 > height + 2
    ]
    assert outside == []
    # Boxes are higher than what is drawn, so neighbours may touch.
    small = [box.padded(-2.5) for box in boxes]
    covered = [
        (texts[one].get_text(), texts[other].get_text())
        for one in range(len(small))
        for other in range(one)
        if small[one].overlaps(small[other])
    ]
    assert covered == []


def test_the_users_own_settings_change_nothing() -> None:
    chart = MADE["scores"](3)
    plain = np.asarray(chart.build_figure().canvas.buffer_rgba())  # type: ignore[attr-defined]
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "black", "text.usetex": True}):
        assert np.array_equal(plain, np.asarray(chart.build_figure().canvas.buffer_rgba()))  # type: ignore[attr-defined]


@pytest.mark.parametrize("count", [1, 2, 5])
def test_charts_are_arranged_in_one_figure(count: int) -> None:
    charts = [make(3) for make in list(MADE.values())[:count]]
    figure = arrange_charts(charts, "all of them")
    texts = {text.get_text() for text in figure.findobj(Text)}
    assert "all of them" in texts
    assert count == 1 or {chart.title for chart in charts} <= texts


@pytest.mark.parametrize(
    ("name", "limit", "short"),
    [
        ("b0", 10, "b0"),
        ("0123456789", 10, "0123456789"),
        ("0123456789a", 10, "01234\N{HORIZONTAL ELLIPSIS}789a"),
        ("two\n  lines\t", 20, "two lines"),
        ("bell\x07 half\udc80", 20, "bell? half?"),
    ],
)
def test_long_names_lose_their_middle(name: str, limit: int, short: str) -> None:
    assert shorten_name(name, limit) == short
    assert len(short) <= limit


def test_names_that_become_equal_are_numbered() -> None:
    names = [f"backbone-{middle}-of-the-second-kind" for middle in ("first", "other")]
    short = shorten_names(names, 16)
    assert len(set(short)) == 2
    assert max(map(len, short)) <= 16
