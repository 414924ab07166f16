from __future__ import annotations

import numpy as np
import pytest
from helpers.meta_made import labels_of, made_members

from ensembler.competition.metrics.metrics import log_loss
from ensembler.heads.links import compute_log_odds
from ensembler.stacking import contributions
from ensembler.stacking.contributions import compute_error_correlations, predict_without_each
from ensembler.stacking.learners.dense import DenseMetaLearner


def test_the_best_member_contributes_most_and_noise_nothing() -> None:
    seen, targets = made_members(1, (0.5, 1.5), 1000, junk=1)
    X, folds = compute_log_odds(seen, multiclass=False), np.arange(1000) % 5
    learner = DenseMetaLearner(penalties=(100.0,)).fit(X, labels_of(targets), folds)
    rows, whole, parts = predict_without_each(learner, X, targets, folds)
    assert len(rows) == 1000
    lost = [log_loss(targets, part, multiclass=False) - log_loss(targets, whole, multiclass=False) for part in parts]
    assert lost[0] > lost[1] > 0
    assert abs(lost[2]) < 0.01


def test_many_rows_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, targets = made_members(1, (0.5, 1.5), 300)
    X, folds = compute_log_odds(seen, multiclass=False), np.arange(300) % 5
    learner = DenseMetaLearner(penalties=(100.0,)).fit(X, labels_of(targets), folds)
    monkeypatch.setattr(contributions, "MAX_CELLS", 200)
    rows, whole, parts = predict_without_each(learner, X, targets, folds)
    assert len(rows) == len(whole) == len(parts[0]) == 100


def test_errors_of_the_same_member_are_correlated() -> None:
    seen, targets = made_members(3, (1.0, 5.0), 500)
    alike = compute_error_correlations([seen[0], seen[0], seen[1]], targets)
    assert alike.shape == (3, 3)
    assert alike[0, 1] == pytest.approx(1)
    assert alike[0, 2] < 0.9
    assert np.isnan(compute_error_correlations([targets, seen[0]], targets)[0, 1])
