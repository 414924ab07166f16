from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers.meta_made import made_members

from ensembler.heads.links import EPSILON, compute_log_odds, find_columns
from ensembler.stacking.blend import Blend, clip_probabilities
from ensembler.stacking.networks import Network


@pytest.mark.parametrize("classes", [1, 3])
def test_the_mean_of_probabilities_is_computed_from_log_odds(classes: int) -> None:
    seen, _ = made_members(classes, (1.0, 2.0), rows=50)
    blend = Blend(classes > 1, weights=np.array([0.25, 0.75]))
    expected = 0.25 * seen[0] + 0.75 * seen[1]
    assert np.allclose(blend.predict_proba(compute_log_odds(seen, multiclass=classes > 1)), expected, atol=1e-5)


def test_the_scores_of_networks_are_averaged() -> None:
    X = np.array([[1.0, 3.0]], np.float32)
    blend = Blend(False, (Network(np.array([1.0, 0]), np.zeros(1)), Network(np.array([0, 1.0]), np.zeros(1))))
    assert blend.compute_scores(X).tolist() == [[2.0]]


def test_a_temperature_above_one_reduces_confidence() -> None:
    blend = Blend(False, (Network.build_mean(1, 1),))
    X = np.array([[2.0]], np.float32)
    assert blend.predict_proba(X)[0, 0] > replace(blend, temperature=2.0).predict_proba(X)[0, 0] > 0.5


@pytest.mark.parametrize(
    ("given", "exclusive", "expected"),
    [
        ([[0.0], [1.0], [0.5]], False, [[0.1], [0.9], [0.5]]),
        ([[0.0, 1.0]], True, [[0.1 / 1.1, 1 / 1.1]]),
    ],
)
def test_probabilities_are_clipped(given: list[list[float]], exclusive: bool, expected: list[list[float]]) -> None:
    held = clip_probabilities(np.array(given, np.float32), 0.1, multiclass=exclusive)
    assert np.allclose(held, expected)
    assert held.dtype == np.float32


def test_many_rows_are_predicted_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    X = np.arange(10, dtype=np.float32)[:, None]
    blend = Blend(False, (Network.build_mean(1, 1),))
    whole = blend.compute_scores(X)
    monkeypatch.setattr("ensembler.stacking.blend._BATCH_ROWS", 3)
    assert np.array_equal(blend.compute_scores(X), whole)
    assert blend.compute_scores(X[:0]).shape == (0, 1)


def test_certain_members_do_not_give_infinities() -> None:
    certain = [np.array([[0.0], [1.0]], np.float32)] * 2
    assert np.isfinite(compute_log_odds(certain, multiclass=False)).all()
    assert np.isfinite(compute_log_odds(certain, multiclass=True)).all()
    X = compute_log_odds(certain, multiclass=False)
    assert np.isfinite(Blend(False, weights=np.array([0.5, 0.5])).compute_scores(X)).all()
    assert EPSILON < 1e-5


def test_each_member_has_its_columns() -> None:
    assert find_columns([0, 2], 3).tolist() == [0, 1, 2, 6, 7, 8]
    assert find_columns([], 3).tolist() == []
