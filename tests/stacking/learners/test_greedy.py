from __future__ import annotations

import numpy as np
import pytest
from helpers.meta_made import labels_of, made_members

from ensembler.heads.links import compute_log_odds
from ensembler.stacking.learners.greedy import GreedyMetaLearner


@pytest.mark.parametrize("classes", [1, 4])
def test_members_of_noise_get_almost_no_weight(classes: int) -> None:
    seen, targets = made_members(classes, (1.0, 1.0, 1.0), 1500, junk=3)
    X = compute_log_odds(seen, multiclass=classes > 1)
    learner = GreedyMetaLearner().fit(X, labels_of(targets), np.arange(1500) % 5)
    assert learner.weights_.sum() == pytest.approx(1)
    assert learner.weights_[3:].sum() < 0.1
    assert learner.weights_[:3].min() > 0.1


def test_a_single_member_gets_all_weight() -> None:
    seen, targets = made_members(1, (1.0,), 100)
    learner = GreedyMetaLearner().fit(compute_log_odds(seen, multiclass=False), labels_of(targets), np.arange(100) % 5)
    assert learner.weights_.tolist() == [1.0]


def test_other_bags_choose_other_weights() -> None:
    seen, targets = made_members(1, (1.0, 1.1, 1.2, 1.3), 300)
    X, folds = compute_log_odds(seen, multiclass=False), np.arange(300) % 5
    first, second = (
        GreedyMetaLearner(bags=3, random_state=seed).fit(X, labels_of(targets), folds).weights_ for seed in (0, 1)
    )
    assert not np.allclose(first, second)
