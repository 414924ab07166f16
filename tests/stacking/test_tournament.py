from __future__ import annotations

import numpy as np
import pytest
from helpers.meta_made import made_members

from ensembler.competition.metrics.standard_errors import InfluenceScore
from ensembler.heads.links import compute_log_odds
from ensembler.stacking.learners.named import META_LEARNERS, make_meta_learner
from ensembler.stacking.tournament import TournamentMetaLearner


def tournament(multiclass: bool, names: tuple[str, ...] = META_LEARNERS, **options: object) -> TournamentMetaLearner:
    learners = {name: make_meta_learner(name, multiclass=multiclass) for name in names}
    return TournamentMetaLearner(learners, multiclass=multiclass, **options)  # type: ignore[arg-type]


def test_the_simplest_is_taken_where_nothing_is_gained() -> None:
    """Three copies of one member: all blends of them are the same."""
    seen, targets = made_members(1, (1.0,), 500)
    auto = tournament(multiclass=False).fit(compute_log_odds(seen * 3, multiclass=False), targets, np.arange(500) % 5)
    assert auto.chosen_ == "mean"
    assert [one.name for one in auto.results_] == list(META_LEARNERS)
    assert min(one.excess_cost for one in auto.results_) == 0


def test_a_richer_one_is_taken_where_it_gains_beyond_noise() -> None:
    seen, targets = made_members(1, (0.5, 6.0), 1500)
    auto = tournament(multiclass=False).fit(compute_log_odds(seen, multiclass=False), targets, np.arange(1500) % 5)
    assert auto.chosen_ not in ("mean", "logit-mean")
    by_name = {one.name: one for one in auto.results_}
    assert by_name["mean"].excess_cost > by_name["mean"].standard_error


def test_repeats_are_of_the_same_rows() -> None:
    """Three times the same folds say no more than once: the standard errors stay."""
    seen, targets = made_members(1, (1.0, 2.0), 300)
    X, folds = compute_log_odds(seen, multiclass=False), np.arange(300) % 5
    names = ("mean", "logistic-nonneg")
    once, thrice = (
        tournament(False, names).fit(X, targets, each).results_ for each in (folds, np.column_stack([folds] * 3))
    )
    assert [one.cost for one in once] == pytest.approx([one.cost for one in thrice])
    assert [one.standard_error for one in once] == pytest.approx([one.standard_error for one in thrice], rel=1e-6)


def test_it_goes_by_the_measure_it_is_given() -> None:
    seen, targets = made_members(1, (0.5, 6.0), 600)
    X, folds = compute_log_odds(seen, multiclass=False), np.arange(600) % 5

    def nothing_matters(truth: np.ndarray, given: np.ndarray) -> InfluenceScore:
        del given
        return InfluenceScore.from_row_values(np.zeros(len(truth)))

    def cannot_tell(truth: np.ndarray, given: np.ndarray) -> InfluenceScore:
        del given
        return InfluenceScore.from_row_values(np.full(len(truth), np.nan))

    assert tournament(False, measure=nothing_matters).fit(X, targets, folds).chosen_ == "mean"
    assert tournament(False, measure=cannot_tell).fit(X, targets, folds).chosen_ == META_LEARNERS[-1]
