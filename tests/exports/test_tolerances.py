from __future__ import annotations

import pytest
from helpers.exports_made import make_figures

from ensembler.exports.formats import Quantization
from ensembler.exports.tolerances import find_excess, find_tolerance

NAN = float("nan")


@pytest.mark.parametrize(
    ("quantization", "given", "tolerance"),
    [("none", None, 1e-4), ("fp16", None, 1e-3), ("int8", None, 1e-2), ("int8", 0.0, 0.0)],
)
def test_a_tolerance_of_ones_own_wins(quantization: Quantization, given: float | None, tolerance: float) -> None:
    assert find_tolerance(quantization, given) == tolerance


@pytest.mark.parametrize(
    ("quantization", "before", "after", "difference", "excess"),
    [
        ("none", 0.1, 0.1, 9e-5, ""),
        ("none", 0.1, 0.1, 2e-4, "a probability differs by 0.0002, more than 0.0001"),
        ("none", 0.1, 0.1, NAN, "a probability differs by nan"),
        ("int8", 0.1, 0.109, 0.5, ""),
        ("int8", 0.1, 0.05, 0.5, ""),
        ("int8", 0.1, 0.15, 0.5, "the log loss rises from 0.1000 to 0.1500, by 0.0500, more than 0.01"),
        ("int8", 0.1, NAN, 0.5, "the log loss rises from 0.1000 to nan"),
        ("fp16", 0.1, 0.102, 0.0, "more than 0.001"),
        ("int8", None, None, 0.5, "a probability differs by 0.5, more than 0.01"),
    ],
)
def test_what_is_too_far_from_keras_is_told(
    quantization: Quantization, before: float | None, after: float | None, difference: float, excess: str
) -> None:
    found = find_excess(
        quantization, find_tolerance(quantization, None), make_figures(before), make_figures(after, difference)
    )
    assert excess in found
    assert bool(found) == bool(excess)
