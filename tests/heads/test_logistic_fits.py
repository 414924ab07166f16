from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from ensembler.heads import logistic_fits
from ensembler.heads.links import compute_probabilities
from ensembler.heads.logistic_fits import LogisticFits

ROWS, WIDTH = 240, 12
RANDOM = np.random.default_rng(0)
X = (RANDOM.normal(size=(ROWS, WIDTH)) * RANDOM.exponential(3, WIDTH) + RANDOM.normal(5, 5, WIDTH)).astype(np.float32)
GROUPS = np.arange(ROWS) % 4
STANDARD = (X - X.mean(axis=0)) / X.std(axis=0)


def labelled(classes: int) -> np.ndarray:
    scores = STANDARD @ RANDOM.normal(size=(WIDTH, classes)) + RANDOM.normal(0, 2, (ROWS, classes))
    return scores.argmax(axis=1)


@pytest.mark.parametrize("inverse_penalty", [1e-3, 0.1])
@pytest.mark.parametrize(("classes", "exclusive"), [(2, False), (2, True), (3, True)])
@pytest.mark.parametrize("left_out", [set(), {1}, {0, 3}])
def test_fits_are_those_of_scikit_learn_on_the_rows_left(
    monkeypatch: pytest.MonkeyPatch, inverse_penalty: float, classes: int, exclusive: bool, left_out: set[int]
) -> None:
    """Omitted rows do not influence a fit, not even through the standardisation."""
    monkeypatch.setattr(logistic_fits, "TOLERANCE", 1e-7)
    labels = labelled(classes)
    targets = np.eye(classes, dtype=np.float32)[labels]
    Y = targets if exclusive else targets[:, 1:]
    parts = [frozenset[int](), frozenset({1}), frozenset({0, 3})]
    fits = LogisticFits(X, Y, GROUPS, parts, np.ones((ROWS, 1)), multiclass=exclusive)
    linear = fits.fit(inverse_penalty)[parts.index(frozenset(left_out))]
    rows = ~np.isin(GROUPS, list(left_out))
    mean, deviation = X[rows].mean(axis=0, dtype=float), X[rows].std(axis=0, dtype=float)
    Z = (X - mean) / deviation
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = LogisticRegression(C=inverse_penalty, tol=1e-9, max_iter=5000).fit(Z[rows], labels[rows])
    expected = peer.predict_proba(Z)
    given = compute_probabilities(X @ linear.kernel + linear.bias, multiclass=exclusive)
    assert np.allclose(given, expected if exclusive else expected[:, 1:], atol=2e-3)
    of_group = compute_probabilities(fits.compute_scores(1, linear), multiclass=exclusive)
    assert np.allclose(of_group, given[GROUPS == 1], atol=1e-4)


def test_large_problems_are_fitted_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    Y = np.eye(3, dtype=np.float32)[labelled(3)]
    parts = [frozenset({group}) for group in range(4)]

    def kernels() -> list[np.ndarray]:
        fits = LogisticFits(X, Y, GROUPS, parts, np.ones((ROWS, 1)), multiclass=True)
        return [linear.kernel for linear in fits.fit(0.01)]

    together = kernels()
    monkeypatch.setattr(logistic_fits, "MAX_OUTPUTS_PER_PRODUCT", 3)
    for first, second in zip(together, kernels(), strict=True):
        assert np.allclose(first, second, atol=1e-3)


def test_rows_count_by_their_weights() -> None:
    Y = np.eye(2, dtype=np.float32)[labelled(2)][:, 1:]
    twice = np.concatenate([np.arange(ROWS), np.flatnonzero(Y[:, 0] > 0)])
    weighted = LogisticFits(X, Y, GROUPS * 0, [frozenset()], 1.0 + Y.astype(float), multiclass=False).fit(0.01)[0]
    ones = np.ones((len(twice), 1))
    repeated = LogisticFits(X[twice], Y[twice], twice * 0, [frozenset()], ones, multiclass=False).fit(0.01)[0]
    # Standardisation ignores weights.
    given, expected = (
        compute_probabilities(X @ one.kernel + one.bias, multiclass=False) for one in (weighted, repeated)
    )
    assert np.allclose(given, expected, atol=2e-2)


@pytest.mark.parametrize("exclusive", [True, False])
def test_a_constant_feature_and_a_class_without_rows_are_accepted(exclusive: bool) -> None:
    labels = labelled(2)
    Y = np.eye(3, dtype=np.float32)[labels]
    still = X.copy()
    still[:, 0] = 7
    linear = LogisticFits(
        still, Y, GROUPS, [frozenset({0})], np.ones((ROWS, 1 if exclusive else 3)), multiclass=exclusive
    )
    fitted = linear.fit(0.01)[0]
    given = compute_probabilities(still @ fitted.kernel + fitted.bias, multiclass=exclusive)
    assert np.isfinite(given).all()
    assert 0 < given[:, 2].mean() < 0.02
    assert not fitted.kernel[:, 2].any()


def test_features_that_vary_only_in_omitted_rows_get_no_weight() -> None:
    """A unit that is active in one group only is constant in the other rows."""
    Y = np.eye(2, dtype=np.float32)[labelled(2)][:, 1:]
    fires = X.copy()
    fires[:, 0] = np.where(GROUPS == 1, RANDOM.normal(size=ROWS) * 1e-5, 0)
    parts = [frozenset[int](), frozenset({1})]
    beside = LogisticFits(fires, Y, GROUPS, parts, np.ones((ROWS, 1)), multiclass=False).fit(0.01)[1]
    rows = GROUPS != 1
    alone = LogisticFits(
        fires[rows], Y[rows], GROUPS[rows], [frozenset()], np.ones((int(rows.sum()), 1)), multiclass=False
    ).fit(0.01)[0]
    given, expected = (
        compute_probabilities(fires[rows] @ one.kernel + one.bias, multiclass=False) for one in (beside, alone)
    )
    assert beside.kernel[0] == 0
    assert np.allclose(given, expected, atol=1e-2)
