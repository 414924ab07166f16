"""Axes: their numbers."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from ensembler.charts.style import format_number_axis


@pytest.mark.parametrize(("low", "high"), [(0.1, 1000.0), (7.0, 17.0), (1.1, 1.3), (30.0, 400.0)])
def test_a_logarithmic_axis_has_several_numbers(low: float, high: float) -> None:
    axes = Figure().add_subplot()
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    format_number_axis(axes.xaxis, logarithmic=True)
    assert 3 <= sum(low <= tick <= high for tick in axes.get_xticks()) <= 13
