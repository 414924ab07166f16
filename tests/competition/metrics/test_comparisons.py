"""Losses of the same rows compared."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from ensembler.competition.metrics.comparisons import (
    choose_within_one_error,
    compute_paired_difference,
    is_within_one_error,
)


def test_the_squared_error_is_the_variance_of_the_mean_on_average() -> None:
    """Over all samples of three differences: this holds for the divisor n - 1, and for no other."""
    samples = np.array(list(product([0.0, 1.0, 5.0], repeat=3)))
    each = [compute_paired_difference(sample, np.zeros(3)) for sample in samples]
    means, errors = np.array(each).T
    assert np.mean(errors**2) == pytest.approx(means.var())


def test_paired_difference() -> None:
    mean, error = compute_paired_difference(np.array([3.0, 4.0]), np.array([2.0, 1.0]))
    assert (mean, error) == (2.0, 1.0)
    assert np.isnan(compute_paired_difference(np.ones(1), np.zeros(1))[1])


@pytest.mark.parametrize(
    ("losses", "chosen"),
    [
        # The difference to the best is 1 or 3 a row: 2 on average, its standard error 1.
        ([[3.0, 4.0], [2.0, 1.0]], 1),
        # -1 or 3: 1 on average, its standard error 2.
        ([[1.0, 4.0], [2.0, 1.0]], 0),
        # 0 or 2: 1 on average. With the divisor n - 1 the standard error is 1, with n it would be 0.71.
        ([[1.0, 3.0], [1.0, 1.0]], 0),
        ([[2.0], [1.0]], 1),
        ([[1.0, 1.0], [1.0, 1.0]], 0),
    ],
)
def test_the_first_setting_within_one_standard_error_is_chosen(losses: list[list[float]], chosen: int) -> None:
    assert choose_within_one_error([np.array(each) for each in losses]) == chosen


@pytest.mark.parametrize(
    ("excess", "error", "within"),
    [(0.0, np.nan, True), (1.0, np.nan, False), (np.nan, 1.0, False), (1.0, 1.0, True), (1.1, 1.0, False)],
)
def test_differences_that_are_unknown_decide_nothing(excess: float, error: float, within: bool) -> None:
    assert is_within_one_error(excess, error) == within
