from __future__ import annotations

import math

import numpy as np
import pytest
from helpers.meta_made import labels_of, made_members

from ensembler.competition.metrics.metrics import log_loss
from ensembler.heads.links import compute_log_odds
from ensembler.stacking.calibration import CalibratedMetaLearner
from ensembler.stacking.learners import dense
from ensembler.stacking.learners.base import Cost
from ensembler.stacking.learners.dense import DenseMetaLearner
from ensembler.stacking.nested import predict_nested


@pytest.mark.parametrize("classes", [1, 3, 10])
@pytest.mark.slow
def test_it_beats_its_best_member_and_the_plain_mean(classes: int) -> None:
    seen, targets = made_members(classes, (1.0, 1.5, 4.0))
    exclusive = classes > 1
    folds = np.arange(len(targets)) % 5
    X = compute_log_odds(seen, multiclass=exclusive)
    nested = predict_nested(CalibratedMetaLearner(DenseMetaLearner()), X, targets, folds, multiclass=exclusive)
    stack = log_loss(targets, nested.calibrated, multiclass=exclusive)
    assert stack < min(log_loss(targets, part, multiclass=exclusive) for part in seen)
    assert stack < log_loss(targets, np.mean(seen, axis=0), multiclass=exclusive)


@pytest.mark.slow
def test_a_weak_penalty_memorises_rows_but_the_nested_score_does_not_show_it() -> None:
    """Truth 3: labels are random, and each row has a separate input by which a fit can memorise its label."""
    rows = 120
    targets = np.random.default_rng(0).integers(0, 2, (rows, 1)).astype(np.float32)
    own_input = (8 * np.eye(rows)).astype(np.float32)
    folds = np.arange(rows) % 5
    learner = DenseMetaLearner(penalties=(0.01,), stops=(100,), seeds=1)
    seen = learner.fit(own_input, labels_of(targets), folds).predict_proba(own_input)
    nested = predict_nested(learner, own_input, targets, folds, multiclass=False).calibrated
    assert log_loss(targets, seen[:, 1:], multiclass=False) < 0.3
    assert log_loss(targets, nested, multiclass=False) > 0.65


def test_it_stops_before_it_learns_noise() -> None:
    """Random labels contain nothing to learn. Labels that depend on the agreement of two members do."""
    random = np.random.default_rng(0)
    X = random.normal(0, 3, (300, 6)).astype(np.float32)
    folds = np.arange(300) % 5
    noise = random.integers(0, 2, (300, 1)).astype(np.float32)
    signal = (X[:, :1] * X[:, 1:2] > 0).astype(np.float32)
    learner = DenseMetaLearner(penalties=(0.01,), seeds=1)
    stops = [learner.fit(X, labels_of(labels), folds).iterations_ for labels in (noise, signal)]
    assert stops[0] <= 5 < stops[1]


def test_the_penalty_is_chosen_by_the_metric_and_log_loss_decides_between_equals() -> None:
    seen, targets = made_members(3, (1.0, 2.0), rows=200)
    X, folds = compute_log_odds(seen, multiclass=True), np.arange(200) % 5
    calls: list[float] = []

    def weaker_is_better(_: np.ndarray, probabilities: np.ndarray) -> float:
        calls.append(float(probabilities.max()))
        return -float(len(calls))

    def chosen(cost: Cost | None) -> float:
        learner = DenseMetaLearner(penalties=(100.0, 0.001), stops=(100,), seeds=1, cost=cost)
        return float(learner.fit(X, labels_of(targets), folds).penalty_)

    assert chosen(None) == 100.0
    assert chosen(weaker_is_better) == 0.001
    assert len(calls) == 2
    assert chosen(lambda *_: math.inf) == 100.0


def test_each_seed_draws_its_own_sample_of_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, targets = made_members(1, (1.0, 2.0), rows=200)
    X, folds = compute_log_odds(seen, multiclass=False), np.arange(200) % 5
    monkeypatch.setattr(dense, "MAX_CELLS", 200)
    learner = DenseMetaLearner(seeds=2, stops=(0, 100))
    learner.fit(X, labels_of(targets), folds)
    first, second = learner.blend_.networks
    assert not np.allclose(first.skip, second.skip, atol=1e-4)
