"""Properties of all meta-learners."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.meta_made import labels_of, made_members, made_tags
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from ensembler.competition.metrics.metrics import log_loss
from ensembler.errors import BadChoice
from ensembler.heads.links import compute_log_odds
from ensembler.stacking.calibration import CalibratedMetaLearner
from ensembler.stacking.learners.base import sample_rows
from ensembler.stacking.learners.dense import DenseMetaLearner
from ensembler.stacking.learners.named import META_LEARNERS, make_meta_learner
from ensembler.stacking.nested import predict_nested
from ensembler.stacking.networks import Network, Penalties, fit_network
from ensembler.stacking.tournament import TournamentMetaLearner


def folds_of(targets: np.ndarray) -> np.ndarray:
    return np.arange(len(targets)) % 5


@pytest.mark.parametrize("name", META_LEARNERS)
@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
def test_each_follows_scikit_learns_conventions(name: str, task: str) -> None:
    exclusive = task == "multiclass"
    seen, targets = made_tags(200) if task == "multilabel" else made_members(4 if exclusive else 1, (1.0, 2.0), 200)
    X = compute_log_odds(seen, multiclass=exclusive)
    labels = targets if task == "multilabel" else labels_of(targets)
    learner = make_meta_learner(name)
    assert clone(learner).get_params() == learner.get_params()
    with pytest.raises(NotFittedError):
        learner.predict_proba(X)
    given = learner.fit(X, labels, folds_of(targets)).predict_proba(X)
    assert given.shape == (200, 2 if task == "binary" else targets.shape[1])
    assert given.dtype == np.float32
    if task != "multilabel":
        assert np.allclose(given.sum(axis=1), 1, atol=1e-6)
    assert np.array_equal(learner.predict(X), given > 0.5 if task == "multilabel" else given.argmax(axis=1))
    assert (learner.predict(X) == labels).mean() > 0.4
    again = clone(learner).fit(X, labels, folds_of(targets)).predict_proba(X)
    assert np.array_equal(given, again)


@pytest.mark.parametrize("name", META_LEARNERS)
def test_a_clone_with_chosen_settings_predicts_the_same(name: str) -> None:
    seen, targets = made_members(3, (1.0, 2.0), 200)
    X = compute_log_odds(seen, multiclass=True)
    learner = make_meta_learner(name)
    if isinstance(learner, DenseMetaLearner):
        learner.seeds = 1
    learner.fit(X, labels_of(targets), folds_of(targets))
    settled = learner.clone_with_chosen_settings().fit(X, labels_of(targets), np.zeros(len(X), np.int64))
    assert np.allclose(learner.predict_proba(X), settled.predict_proba(X), atol=1e-6)
    assert len(settled.held_out_.rows) in (0, len(X))


@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("name", META_LEARNERS)
@pytest.mark.slow
def test_each_comes_near_the_best_blend(classes: int, name: str) -> None:
    """Members are the true scores plus equal noise, so a fit on all rows without a penalty is the best blend of
    log-odds. The mean of probabilities comes near it by its temperature."""
    seen, targets = made_members(classes, (1.0, 1.0, 1.0), 3000)
    exclusive = classes > 1
    X = compute_log_odds(seen, multiclass=exclusive)
    start = Network.build_mean(3, targets.shape[1])
    best = fit_network(X, targets, start, Penalties(1e-6), multiclass=exclusive, iterations=200)
    limit = log_loss(targets, _probabilities(best, X, exclusive), multiclass=exclusive)
    learner = CalibratedMetaLearner(make_meta_learner(name))
    nested = predict_nested(learner, X, targets, folds_of(targets), multiclass=exclusive).calibrated
    assert 0.98 * limit < log_loss(targets, nested, multiclass=exclusive) < 1.02 * limit


def _probabilities(network: Network, X: np.ndarray, exclusive: bool) -> np.ndarray:
    from ensembler.stacking.blend import Blend

    return Blend(exclusive, (network,)).predict_proba(X)


@pytest.mark.parametrize("classes", [1, 5])
@pytest.mark.slow
def test_ten_members_of_noise_cost_the_tournament_one_percent_at_most(classes: int) -> None:
    exclusive = classes > 1
    losses = []
    for junk in (0, 10):
        seen, targets = made_members(classes, (0.5, 1.0, 2.0), 3000, junk=junk)
        learners = {name: make_meta_learner(name) for name in ("mean", "logit-mean", "logistic-nonneg", "greedy")}
        auto = TournamentMetaLearner(learners)
        X = compute_log_odds(seen, multiclass=exclusive)
        nested = predict_nested(auto, X, targets, folds_of(targets), multiclass=exclusive).calibrated
        losses.append(log_loss(targets, nested, multiclass=exclusive))
    assert losses[1] < 1.01 * losses[0]


@pytest.mark.parametrize("name", META_LEARNERS)
@pytest.mark.slow
def test_a_member_that_memorised_its_training_labels_does_not_help(name: str) -> None:
    """Truth 3: such a member is noise out of fold, and memorised labels must not influence the score."""
    seen, targets = made_members(1, (1.0, 2.0), 1000)
    memorised = np.random.default_rng(1).random((1000, 1)).astype(np.float32)
    losses = [
        log_loss(
            targets,
            predict_nested(
                CalibratedMetaLearner(make_meta_learner(name)),
                compute_log_odds(members, multiclass=False),
                targets,
                folds_of(targets),
                multiclass=False,
            ).calibrated,
            multiclass=False,
        )
        for members in (seen, [*seen, memorised])
    ]
    assert losses[1] > losses[0] - 0.003


@pytest.mark.slow
def test_a_fold_does_not_see_its_own_labels() -> None:
    """Truth 3: a fold's predictions, including calibration and choices, do not depend on its labels."""
    seen, targets = made_members(1, (1.0, 2.0), 200)
    X, folds = compute_log_odds(seen, multiclass=False), np.arange(200) % 5
    other = targets.copy()
    other[folds == 0] = 1 - other[folds == 0]
    auto = TournamentMetaLearner({name: make_meta_learner(name) for name in META_LEARNERS})
    for learner in (auto, CalibratedMetaLearner(DenseMetaLearner())):
        first, second = (predict_nested(learner, X, each, folds, multiclass=False) for each in (targets, other))
        assert np.array_equal(first.calibrated[folds == 0], second.calibrated[folds == 0])
        assert not np.array_equal(first.calibrated[folds == 1], second.calibrated[folds == 1])


def test_unknown_names_are_refused() -> None:
    with pytest.raises(BadChoice, match="did you mean logistic"):
        make_meta_learner("logistik")


def test_many_rows_are_sampled() -> None:
    assert sample_rows(5, 10).tolist() == [0, 1, 2, 3, 4]
    few = sample_rows(100, 10, 3)
    assert len(set(few.tolist())) == 10
    assert few.tolist() == sorted(few.tolist())
    assert few.tolist() != sample_rows(100, 10, 4).tolist()
