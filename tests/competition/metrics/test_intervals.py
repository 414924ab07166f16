from __future__ import annotations

import numpy as np
import pytest

from ensembler.competition.metrics import intervals
from ensembler.competition.metrics.intervals import compute_difference, compute_interval, resample_scores
from ensembler.competition.metrics.standard_errors import CountScore, InfluenceScore


def of_counts(values: np.ndarray) -> CountScore:
    """Return the mean as a score of counts."""
    from scipy.sparse import csr_array

    marks = csr_array(np.stack([values, np.ones_like(values)]))
    return CountScore(marks, lambda counts: counts[0] / counts[1])


@pytest.mark.parametrize("make", [InfluenceScore.from_row_values, of_counts])
def test_the_interval_of_a_mean_is_that_of_its_standard_error(make: object) -> None:
    values = np.random.default_rng(0).exponential(size=800)
    found = compute_interval(make(values), np.arange(800))  # type: ignore[operator]
    error = values.std(ddof=1) / np.sqrt(800)
    assert found.low == pytest.approx(values.mean() - 1.96 * error, abs=0.3 * error)
    assert found.high == pytest.approx(values.mean() + 1.96 * error, abs=0.3 * error)


def test_rows_of_a_group_are_resampled_together() -> None:
    values = np.repeat(np.random.default_rng(0).normal(size=50), 10)
    alone = compute_interval(InfluenceScore.from_row_values(values), np.arange(500))
    grouped = compute_interval(InfluenceScore.from_row_values(values), np.repeat(np.arange(50), 10))
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)


def test_the_same_rows_twice_do_not_make_a_score_surer() -> None:
    values = np.random.default_rng(0).normal(size=200)
    once = compute_interval(InfluenceScore.from_row_values(values), np.arange(200))
    twice = compute_interval(InfluenceScore.from_row_values(np.tile(values, 2)), np.tile(np.arange(200), 2))
    assert twice.low == pytest.approx(once.low)


def test_differences_are_of_the_same_rows() -> None:
    random = np.random.default_rng(0)
    hard = random.exponential(5, size=300)
    slightly = hard + random.normal(0.1, 0.1, size=300)
    apart = compute_difference(
        InfluenceScore.from_row_values(slightly), InfluenceScore.from_row_values(hard), np.arange(300)
    )
    assert apart.value == pytest.approx(0.1, abs=0.02)
    assert apart.standard_error == pytest.approx(0.1 / np.sqrt(300), rel=0.2)
    assert not apart.is_within_noise
    same = compute_difference(
        InfluenceScore.from_row_values(hard), InfluenceScore.from_row_values(hard), np.arange(300)
    )
    assert same.is_within_noise


def test_many_units_are_resampled_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).normal(size=4000)
    whole = compute_interval(InfluenceScore.from_row_values(values), np.arange(4000))
    monkeypatch.setattr(intervals, "MAX_UNITS", 500)
    blocks = compute_interval(InfluenceScore.from_row_values(values), np.arange(4000))
    assert blocks.high - blocks.low == pytest.approx(whole.high - whole.low, rel=0.2)


def test_one_unit_has_no_interval() -> None:
    found = compute_interval(InfluenceScore.from_row_values(np.ones(3)), np.zeros(3, np.intp))
    assert np.isnan(found.low)
    assert np.isnan(resample_scores([InfluenceScore(0.0, np.zeros(0))], np.zeros(0, np.intp))).all()
    assert compute_difference(
        InfluenceScore.from_row_values(np.ones(3)), InfluenceScore.from_row_values(np.zeros(3)), np.zeros(3, np.intp)
    ).is_within_noise
