from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import check_grad
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from ensembler.competition.metrics.metrics import log_loss
from ensembler.stacking.meta_learner import (
    Cost,
    DenseMetaLearner,
    DenseNetwork,
    _loss_and_error,
    log_odds,
    nested_predictions,
)


def members(
    classes: int, noises: tuple[float, ...], rows: int = 600, seed: int = 0
) -> tuple[list[np.ndarray], np.ndarray]:
    """Members that see the true scores through noise of their own; one output if ``classes`` is 1."""
    random = np.random.default_rng(seed)
    scores = random.normal(0, 2, (rows, classes))
    if classes == 1:
        truth = 1 / (1 + np.exp(-scores))
        targets = (random.random((rows, 1)) < truth).astype(np.float32)
        seen = [1 / (1 + np.exp(-(scores + random.normal(0, noise, scores.shape)))) for noise in noises]
    else:
        targets = np.eye(classes, dtype=np.float32)[(scores + random.gumbel(size=scores.shape)).argmax(axis=1)]
        powers = [np.exp(scores + random.normal(0, noise, scores.shape)) for noise in noises]
        seen = [power / power.sum(axis=1, keepdims=True) for power in powers]
    return [part.astype(np.float32) for part in seen], targets


@pytest.mark.parametrize("classes", [1, 3, 10])
def test_it_beats_its_best_member_and_the_plain_mean(classes: int) -> None:
    seen, targets = members(classes, (1.0, 1.5, 4.0))
    exclusive = classes > 1
    folds = np.arange(len(targets)) % 5
    X = log_odds(seen, exclusive=exclusive)
    nested = nested_predictions(DenseMetaLearner(exclusive=exclusive), X, targets, folds)
    stack = log_loss(targets, nested, exclusive=exclusive)
    assert stack < min(log_loss(targets, part, exclusive=exclusive) for part in seen)
    assert stack < log_loss(targets, np.mean(seen, axis=0), exclusive=exclusive)


@pytest.mark.parametrize(("exclusive", "classes"), [(True, 4), (False, 3), (False, 1)])
def test_the_gradient_is_that_of_the_loss(exclusive: bool, classes: int) -> None:
    random = np.random.default_rng(0)
    raw = random.normal(size=(12, 2 * classes))
    targets = np.eye(max(classes, 2))[random.integers(0, classes, 12)][:, :classes]
    network = DenseNetwork.start(2, classes, 0)
    flat = np.concatenate([array.ravel() for array in network.arrays()]) + random.normal(0, 0.1, 1)

    def loss(weights: np.ndarray) -> float:
        filled = network.filled(weights)
        return _loss_and_error(filled.scores(raw, raw)[0], targets, exclusive=exclusive)[0] + filled.penalised(2.0)

    def gradient(weights: np.ndarray) -> np.ndarray:
        filled = network.filled(weights)
        scores, flows = filled.scores(raw, raw)
        return filled.gradient(raw, flows, _loss_and_error(scores, targets, exclusive=exclusive)[1], 2.0)

    assert check_grad(loss, gradient, flat) < 1e-3


def test_nested_predictions_are_of_rows_that_nothing_was_fitted_on() -> None:
    """Truth 3: each row has an input of its own, so that whoever saw its label knows it; labels are coin tosses."""
    rows = 120
    targets = np.random.default_rng(0).integers(0, 2, (rows, 1)).astype(np.float32)
    own_input = (8 * np.eye(rows)).astype(np.float32)
    folds = np.arange(rows) % 5
    learner = DenseMetaLearner(exclusive=False, penalties=(0.01,), seeds=1)
    seen = learner.fit(own_input, targets, folds).predict_proba(own_input)
    nested = nested_predictions(learner, own_input, targets, folds)
    assert log_loss(targets, seen, exclusive=False) < 0.3
    assert log_loss(targets, nested, exclusive=False) > 0.65


def test_the_penalty_of_a_fold_does_not_depend_on_that_folds_labels() -> None:
    seen, targets = members(3, (1.0, 2.0), rows=200)
    X, folds = log_odds(seen, exclusive=True), np.arange(200) % 5
    other = targets.copy()
    other[folds == 0] = other[folds == 0][:, ::-1]
    learner = DenseMetaLearner(exclusive=True, seeds=1)
    held_out = folds == 0
    first = nested_predictions(learner, X, targets, folds)[held_out]
    second = nested_predictions(learner, X, other, folds)[held_out]
    assert np.array_equal(first, second)


def test_the_same_seed_gives_the_same_predictions() -> None:
    seen, targets = members(3, (1.0, 2.0), rows=200)
    X, folds = log_odds(seen, exclusive=True), np.arange(200) % 5
    first, second = (DenseMetaLearner(exclusive=True).fit(X, targets, folds).predict_proba(X) for _ in range(2))
    assert np.array_equal(first, second)


def test_the_penalty_is_chosen_by_the_metric_and_by_log_loss_where_that_cannot_tell() -> None:
    seen, targets = members(3, (1.0, 2.0), rows=200)
    X, folds = log_odds(seen, exclusive=True), np.arange(200) % 5
    told: list[float] = []

    def weaker_is_better(_: np.ndarray, probabilities: np.ndarray) -> float:
        told.append(float(probabilities.max()))
        return -float(len(told))

    def chosen(cost: Cost | None) -> float:
        learner = DenseMetaLearner(exclusive=True, penalties=(100.0, 0.001), seeds=1, cost=cost)
        return float(learner.fit(X, targets, folds).penalty_)

    assert chosen(None) == 100.0
    assert chosen(weaker_is_better) == 0.001
    assert len(told) == 2
    assert chosen(lambda *_: math.inf) == 100.0


def test_certain_members_do_not_give_infinities() -> None:
    certain = [np.array([[0.0], [1.0]], np.float32)] * 2
    assert np.isfinite(log_odds(certain, exclusive=False)).all()
    assert np.isfinite(log_odds(certain, exclusive=True)).all()


def test_it_keeps_scikit_learns_contract() -> None:
    learner = DenseMetaLearner(exclusive=True, seeds=2)
    assert clone(learner).get_params() == learner.get_params()
    with pytest.raises(NotFittedError):
        learner.predict_proba(np.zeros((1, 2), np.float32))
