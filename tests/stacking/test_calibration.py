from __future__ import annotations

import numpy as np
import pytest
from helpers.meta_made import made_members

from ensembler.competition.metrics.metrics import log_loss
from ensembler.heads.links import compute_log_odds, compute_probabilities
from ensembler.stacking.calibration import CLIPS, CalibratedMetaLearner, choose_floor, fit_calibration
from ensembler.stacking.learners.means import LogitMeanMetaLearner
from ensembler.stacking.nested import predict_nested


@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("overconfidence", [0.5, 1.0, 3.0])
def test_the_temperature_corrects_overconfidence(classes: int, overconfidence: float) -> None:
    random = np.random.default_rng(0)
    scores = random.normal(0, 2, (4000, classes))
    exclusive = classes > 1
    if exclusive:
        targets = np.eye(classes, dtype=np.float32)[(scores + random.gumbel(size=scores.shape)).argmax(axis=1)]
    else:
        targets = (random.random(scores.shape) < compute_probabilities(scores, multiclass=False)).astype(np.float32)
    temperature, clip = fit_calibration(scores * overconfidence, targets, multiclass=exclusive)
    assert temperature == pytest.approx(overconfidence, rel=0.1)
    assert clip <= 1e-3


def test_one_certain_error_is_clipped() -> None:
    scores = np.full((1000, 1), 20.0)
    targets = np.ones((1000, 1), np.float32)
    assert fit_calibration(scores, targets, multiclass=False)[1] == 0
    targets[0] = 0
    assert fit_calibration(scores, targets, multiclass=False)[1] in CLIPS[4:]


def test_few_rows_barely_change_probabilities() -> None:
    scores = np.full((3, 1), -1.0)
    temperature, _ = fit_calibration(scores, np.ones((3, 1), np.float32), multiclass=False)
    assert 1 < temperature < 1.5
    assert fit_calibration(scores[:0], np.ones((0, 1), np.float32), multiclass=False) == (1.0, 0.0)


def test_overconfident_members_are_calibrated_on_other_rows() -> None:
    seen, targets = made_members(1, (0.5,), 1000)
    certain = compute_probabilities(compute_log_odds(seen, multiclass=False) * 4, multiclass=False)
    X, folds = compute_log_odds([certain], multiclass=False), np.arange(1000) % 5
    learner = CalibratedMetaLearner(LogitMeanMetaLearner())
    nested = predict_nested(learner, X, targets, folds, multiclass=False)
    assert np.allclose(nested.uncalibrated, np.clip(certain, 1e-6, 1 - 1e-6), atol=1e-6)
    before, after = (log_loss(targets, one, multiclass=False) for one in (nested.uncalibrated, nested.calibrated))
    assert after < 0.8 * before


def test_a_floor_is_that_of_the_values_whichever_array_holds_them() -> None:
    """Floors are remembered, but never for other values in the same place."""
    members, targets = made_members(1, (1.0, 1.5))
    X, folds = compute_log_odds(members, multiclass=False), np.arange(len(targets)) % 5
    first = choose_floor(X, targets, folds, multiclass=False)
    wrong = np.flatnonzero(targets[:, 0] == 1)[:10]
    kept = X[wrong].copy()
    # Members that are certain and wrong are worth a higher floor.
    X[wrong] = -13.0
    assert choose_floor(X, targets, folds, multiclass=False) > first
    X[wrong] = kept
    assert choose_floor(X, targets, folds, multiclass=False) == first
