from __future__ import annotations

import numpy as np
import pytest
from helpers.meta_made import made_members

from ensembler.stacking.blend import Blend, clipped
from ensembler.stacking.log_odds import CLIP, columns_of, log_odds
from ensembler.stacking.networks import Network


@pytest.mark.parametrize("classes", [1, 3])
def test_the_mean_of_probabilities_comes_from_log_odds_too(classes: int) -> None:
    seen, _ = made_members(classes, (1.0, 2.0), rows=50)
    blend = Blend(classes > 1, weights=np.array([0.25, 0.75]))
    expected = 0.25 * seen[0] + 0.75 * seen[1]
    assert np.allclose(blend.predict(log_odds(seen, exclusive=classes > 1)), expected, atol=1e-5)


def test_the_scores_of_networks_are_averaged() -> None:
    X = np.array([[1.0, 3.0]], np.float32)
    blend = Blend(False, (Network(np.array([1.0, 0]), np.zeros(1)), Network(np.array([0, 1.0]), np.zeros(1))))
    assert blend.scores(X).tolist() == [[2.0]]


def test_a_temperature_above_one_makes_less_certain() -> None:
    blend = Blend(False, (Network.mean(1, 1),))
    X = np.array([[2.0]], np.float32)
    assert blend.predict(X)[0, 0] > blend.calibrated(2.0, 0.0).predict(X)[0, 0] > 0.5


@pytest.mark.parametrize(
    ("given", "exclusive", "expected"),
    [
        ([[0.0], [1.0], [0.5]], False, [[0.1], [0.9], [0.5]]),
        ([[0.0, 1.0]], True, [[0.1 / 1.1, 1 / 1.1]]),
    ],
)
def test_probabilities_are_held_off_certainty(
    given: list[list[float]], exclusive: bool, expected: list[list[float]]
) -> None:
    held = clipped(np.array(given, np.float32), 0.1, exclusive=exclusive)
    assert np.allclose(held, expected)
    assert held.dtype == np.float32


def test_many_rows_are_predicted_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    X = np.arange(10, dtype=np.float32)[:, None]
    blend = Blend(False, (Network.mean(1, 1),))
    whole = blend.scores(X)
    monkeypatch.setattr("ensembler.stacking.blend._AT_ONCE", 3)
    assert np.array_equal(blend.scores(X), whole)
    assert blend.scores(X[:0]).shape == (0, 1)


def test_certain_members_do_not_give_infinities() -> None:
    certain = [np.array([[0.0], [1.0]], np.float32)] * 2
    assert np.isfinite(log_odds(certain, exclusive=False)).all()
    assert np.isfinite(log_odds(certain, exclusive=True)).all()
    X = log_odds(certain, exclusive=False)
    assert np.isfinite(Blend(False, weights=np.array([0.5, 0.5])).scores(X)).all()
    assert CLIP < 1e-5


def test_each_member_has_its_columns() -> None:
    assert columns_of([0, 2], 3).tolist() == [0, 1, 2, 6, 7, 8]
    assert columns_of([], 3).tolist() == []
