from __future__ import annotations

import numpy as np
import pytest
from helpers.meta_made import labels_of, made_members

from ensembler.heads.links import compute_log_odds
from ensembler.stacking.learners import logistic
from ensembler.stacking.learners.logistic import LogisticMetaLearner


def test_weights_can_be_non_negative() -> None:
    random = np.random.default_rng(0)
    truth, noise = random.normal(0, 2, (2, 1000))
    targets = (truth > 0).astype(np.float32)[:, None]
    # The second member is the noise of the first, so its best weight is negative.
    X, folds = np.column_stack([truth + noise, noise]).astype(np.float32), np.arange(1000) % 5
    free = LogisticMetaLearner().fit(X, labels_of(targets), folds).blend_.networks[0]
    held = LogisticMetaLearner(non_negative=True).fit(X, labels_of(targets), folds).blend_.networks[0]
    assert free.skip.min() < 0
    assert held.skip.min() == 0


def test_weights_of_pairs_of_outputs_are_chosen_where_they_help() -> None:
    """One member always swaps two classes, which a single weight per member cannot correct."""
    _, targets = made_members(3, (1.0,), 1500)
    turned = np.clip(targets[:, [1, 0, 2]], 0.05, 0.9)
    X, folds = compute_log_odds([turned], multiclass=True), np.arange(1500) % 5
    learner = LogisticMetaLearner().fit(X, labels_of(targets), folds)
    assert learner.penalties_.kernels > 0
    assert (learner.predict_proba(X).argmax(axis=1) == targets.argmax(axis=1)).all()
    plain = LogisticMetaLearner(non_negative=True).fit(X, labels_of(targets), folds)
    assert plain.penalties_.kernels == 0


def test_too_many_weights_are_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    _, targets = made_members(3, (1.0,), 1500)
    turned = np.clip(targets[:, [1, 0, 2]], 0.05, 0.9)
    X, folds = compute_log_odds([turned], multiclass=True), np.arange(1500) % 5
    monkeypatch.setattr(logistic, "MAX_WEIGHTS", 8)
    assert LogisticMetaLearner().fit(X, labels_of(targets), folds).penalties_.kernels == 0
