"""Choice and description of photos."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.outcomes_made import outcomes

from ensembler.reports.photos import measure_uncertainty, name_choice, select_largest_losses


def test_the_largest_losses_come_first_and_what_is_not_finite_last() -> None:
    losses = np.array([0.5, np.nan, 2.0, 0.1, 2.0, 7.0])
    assert select_largest_losses(losses, 4).tolist() == [5, 2, 4, 0]
    assert select_largest_losses(np.array([0.1]), 4).tolist() == [0]
    assert select_largest_losses(np.zeros(0), 4).tolist() == []


@pytest.mark.parametrize(
    ("row", "exclusive", "expected"),
    [
        ([0.25] * 4, True, 1.0),
        ([1.0, 0, 0, 0], True, 0.0),
        ([0.5], False, 1.0),
        ([1.0, 0.0], False, 0.0),
        ([0.5, 1], False, 0.5),
    ],
)
def test_uncertainty_is_a_share_of_the_largest(row: list[float], exclusive: bool, expected: float) -> None:
    assert measure_uncertainty(np.array([row]), exclusive=exclusive)[0] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("task", "row", "expected"),
    [
        ("binary", [0.8], ("c", 0.8)),
        ("binary", [0.3], ("b", 0.7)),
        ("multiclass", [0.1, 0.7, 0.2], ("b", 0.7)),
        ("multilabel", [0.6, 0.2, 0.9], ("c, a", 0.6)),
        ("multilabel", [0.1, 0.2, 0.3], ("no label", 0.7)),
    ],
)
def test_choices_are_named(task: str, row: list[float], expected: tuple[str, float]) -> None:
    found = outcomes(task, ("b", "c") if task == "binary" else ("a", "b", "c"), rows=9)
    name, probability = name_choice(found, np.array(row))
    assert name == expected[0]
    assert probability == pytest.approx(expected[1])
