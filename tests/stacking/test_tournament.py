from __future__ import annotations

import numpy as np
import pytest
from helpers.meta_made import labels_of, made_members

from ensembler.competition.metrics.standard_errors import InfluenceScore
from ensembler.heads.links import compute_log_odds
from ensembler.stacking.learners.named import META_LEARNERS, make_meta_learner
from ensembler.stacking.tournament import TournamentMetaLearner


def tournament(names: tuple[str, ...] = META_LEARNERS, **options: object) -> TournamentMetaLearner:
    learners = {name: make_meta_learner(name) for name in names}
    return TournamentMetaLearner(learners, **options)  # type: ignore[arg-type]


def test_the_simplest_is_chosen_where_others_gain_nothing() -> None:
    """All blends of three copies of one member are the same."""
    seen, targets = made_members(1, (1.0,), 500)
    auto = tournament().fit(compute_log_odds(seen * 3, multiclass=False), labels_of(targets), np.arange(500) % 5)
    assert auto.chosen_ == "mean"
    assert list(auto.costs_) == list(auto.excess_costs_) == list(META_LEARNERS)
    assert min(one.value for one in auto.excess_costs_.values()) == 0


def test_a_flexible_learner_is_chosen_where_it_gains_beyond_noise() -> None:
    seen, targets = made_members(1, (0.5, 6.0), 1500)
    auto = tournament().fit(compute_log_odds(seen, multiclass=False), labels_of(targets), np.arange(1500) % 5)
    assert auto.chosen_ not in ("mean", "logit-mean")
    assert auto.excess_costs_["mean"].value > auto.excess_costs_["mean"].standard_error


def test_repeats_do_not_count_as_more_rows() -> None:
    """Three equal repeats contain no more information than one, so the standard errors are equal."""
    seen, targets = made_members(1, (1.0, 2.0), 300)
    X, folds = compute_log_odds(seen, multiclass=False), np.arange(300) % 5
    names = ("mean", "logistic-nonneg")
    once, thrice = (
        tournament(names).fit(X, labels_of(targets), each) for each in (folds, np.column_stack([folds] * 3))
    )
    assert once.costs_ == pytest.approx(thrice.costs_)
    errors = [[each.excess_costs_[name].standard_error for name in names] for each in (once, thrice)]
    assert errors[0] == pytest.approx(errors[1], rel=1e-6)


def test_the_given_measure_decides() -> None:
    seen, targets = made_members(1, (0.5, 6.0), 600)
    X, folds = compute_log_odds(seen, multiclass=False), np.arange(600) % 5

    def nothing_matters(truth: np.ndarray, given: np.ndarray) -> InfluenceScore:
        del given
        return InfluenceScore.from_row_values(np.zeros(len(truth)))

    def cannot_tell(truth: np.ndarray, given: np.ndarray) -> InfluenceScore:
        del given
        return InfluenceScore.from_row_values(np.full(len(truth), np.nan))

    assert tournament(measure=nothing_matters).fit(X, labels_of(targets), folds).chosen_ == "mean"
    assert tournament(measure=cannot_tell).fit(X, labels_of(targets), folds).chosen_ == META_LEARNERS[-1]
