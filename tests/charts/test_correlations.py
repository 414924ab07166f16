"""The map of correlations: it fits a page, and fills its width."""

from __future__ import annotations

import numpy as np
import pytest

from ensembler.charts.confusions import build_confusion_chart
from ensembler.charts.correlations import build_correlation_chart

PHONE = 4.3


@pytest.mark.parametrize(("members", "fits"), [(2, True), (12, True), (30, False)])
def test_only_large_maps_are_wider_than_a_phone(members: int, fits: bool) -> None:
    names = [f"mobilenetv2-0.35@{number}" for number in range(members)]
    chart = build_correlation_chart(names, np.eye(members)).fit_width(PHONE)
    assert (chart.width == PHONE) == fits


def test_the_cells_fill_the_width() -> None:
    names = ["mobilenet-0.5", "mobilenet-0.75", "mobilenetv2-0.35"]
    figure = build_correlation_chart(names, np.eye(3)).fit_width(PHONE).build_figure(titled=False)
    [axes] = figure.axes
    extent = axes.get_tightbbox(figure.canvas.get_renderer())  # type: ignore[attr-defined]
    assert extent.width > 0.93 * figure.bbox.width


@pytest.mark.parametrize(("count", "fits"), [(7, True), (50_000, False)])
def test_a_matrix_with_long_numbers_is_wider(count: int, fits: bool) -> None:
    chart = build_confusion_chart([f"class {one}" for one in range(15)], np.full((15, 15), count)).fit_width(PHONE)
    assert (chart.width == PHONE) == fits
