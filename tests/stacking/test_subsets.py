from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from helpers.meta_made import labels_of, made_members
from sklearn.base import clone

from ensembler.heads.links import compute_log_odds
from ensembler.stacking import subsets
from ensembler.stacking.calibration import CalibratedMetaLearner
from ensembler.stacking.learners.logistic import LogisticMetaLearner
from ensembler.stacking.subsets import SubsetMetaLearner, compute_held_out_losses, find_best_subset

Subset = tuple[int, ...]


def missing(wanted: set[int]) -> Callable[[Subset], float]:
    return lambda chosen: len(wanted - set(chosen)) + 0.1 * len(set(chosen) - wanted)


@pytest.mark.parametrize("most", [300, 0])
@pytest.mark.parametrize(
    ("size", "allowed", "expected"),
    [
        (None, lambda _: True, (1, 3)),
        (2, lambda _: True, (1, 3)),
        (3, lambda _: True, (0, 1, 3)),
        (None, lambda chosen: 3 not in chosen, (1,)),
        (None, lambda chosen: len(chosen) < 2, (1,)),
    ],
)
def test_the_subset_of_the_lowest_loss_is_found(
    monkeypatch: pytest.MonkeyPatch, most: int, size: int | None, allowed: Callable[[Subset], bool], expected: Subset
) -> None:
    monkeypatch.setattr(subsets, "MAX_SUBSETS", most)
    assert find_best_subset(missing({1, 3}), 4, allowed, size) == expected


@pytest.mark.parametrize("most", [300, 0])
def test_nothing_allowed_is_an_error(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(subsets, "MAX_SUBSETS", most)
    with pytest.raises(ValueError, match=r"empty|No subset"):
        find_best_subset(missing({1}), 3, lambda _: False)


def test_few_of_many_members_are_added_one_by_one() -> None:
    tried: list[Subset] = []

    def loss(chosen: Subset) -> float:
        tried.append(chosen)
        return missing({3, 17, 29})(chosen)

    assert find_best_subset(loss, 30, lambda _: True, 3) == (3, 17, 29)
    assert len(tried) < 300


def test_a_stack_of_the_best_two_leaves_out_noise() -> None:
    seen, targets = made_members(1, (1.0, 8.0, 1.2), 800)
    X, folds = compute_log_odds(seen, multiclass=False), np.arange(800) % 5
    learner = SubsetMetaLearner(CalibratedMetaLearner(LogisticMetaLearner()), size=2)
    assert clone(learner).get_params().keys() == learner.get_params().keys()
    learner.fit(X, labels_of(targets), folds)
    assert learner.members_ == (0, 2)
    alone = CalibratedMetaLearner(LogisticMetaLearner()).fit(X[:, [0, 2]], labels_of(targets), folds)
    assert np.array_equal(learner.predict_proba(X), alone.predict_proba(X[:, [0, 2]]))
    assert learner.predict_uncalibrated(X).shape == (800, 2)


@pytest.mark.parametrize(("limit", "expected"), [(3.0, (0,)), (7.5, (0, 1)), (99.0, (0, 1, 2))])
def test_members_stay_within_a_total_cost(limit: float, expected: Subset) -> None:
    seen, targets = made_members(1, (1.0, 1.0, 1.5), 800)
    X, folds = compute_log_odds(seen, multiclass=False), np.arange(800) % 5
    learner = SubsetMetaLearner(LogisticMetaLearner(), costs=(3.0, 4.0, 5.0), max_cost=limit)
    assert learner.fit(X, labels_of(targets), folds).members_ == expected


def test_with_one_fold_members_have_equal_weights() -> None:
    seen, targets = made_members(1, (1.0, 2.0), 50)
    odds = [compute_log_odds([one], multiclass=False) for one in seen]
    losses = compute_held_out_losses(odds, targets, np.zeros(50, np.int64), multiclass=False)
    assert losses.shape == (50,)
