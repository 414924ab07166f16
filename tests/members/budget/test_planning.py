"""What is cut, by tables of costs: no network is trained, no clock is read."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from ensembler.members.allotment import Allotment, PhaseEpochs
from ensembler.members.budget.costs import TrainingCost
from ensembler.members.budget.planning import (
    BudgetPlan,
    Costs,
    JobUnits,
    TooLittleTime,
    Unit,
    compute_allotments,
    compute_makespan,
    plan_within,
)

FOLDS = (5, 3, 2)


def fine_tuned(epoch: float, *, asked: int = 5, begin: float = 10.0, finish: float = 2.0) -> TrainingCost:
    return TrainingCost(begin, (PhaseEpochs(asked, epoch),), finish)


def costs_of(*members: Sequence[TrainingCost]) -> Costs:
    """Each member by its levels; a job for each fold, or one alone for a frozen member."""

    def costs(member: int, level: int, folds: int) -> list[JobUnits]:
        work = members[member][level]
        return [(Unit(member, fold, work),) for fold in range(folds if work.phases else 1)]

    return costs


def planned(
    seconds: float, *members: Sequence[TrainingCost], folds: Sequence[int] = FOLDS, slots: int = 1
) -> BudgetPlan:
    return plan_within(seconds, [len(levels) for levels in members], folds, costs_of(*members), slots)


# A fold of ONE costs 12 s and 20 s an epoch: 560 s in all; 160 s with one epoch.
ONE = [fine_tuned(20), fine_tuned(10), TrainingCost(30.0)]
CHEAP = [fine_tuned(2, begin=1, finish=1), fine_tuned(1, begin=1, finish=1)]


@pytest.mark.parametrize(
    ("seconds", "folds", "levels", "epochs"),
    [
        (600, 5, (0,), 5),
        (560, 5, (0,), 5),
        (460, 5, (0,), 4),
        (162, 5, (0,), 1.02),
        # With fewer folds there is time for more epochs again.
        (150, 3, (0,), (150 / 3 - 12) / 20),
        (95, 2, (0,), (95 / 2 - 12) / 20),
        (60, 2, (1,), (60 / 2 - 12) / 10),
        (40, 2, (2,), 5),
    ],
)
def test_epochs_go_before_folds_before_sizes(
    seconds: float, folds: int, levels: tuple[int, ...], epochs: float
) -> None:
    plan = planned(seconds, ONE)
    assert (plan.folds, plan.levels) == (folds, levels)
    assert 5 * plan.share == pytest.approx(epochs, abs=1e-3)
    assert plan.seconds <= seconds + 1e-6
    assert plan.full_seconds == pytest.approx(560)


def test_epochs_are_cut_alike_for_all_members() -> None:
    plan = planned(350, ONE, CHEAP)
    assert plan.share == pytest.approx((350 - 60 - 10) / (500 + 50), abs=1e-6)
    assert plan.estimate_member_seconds(0) == pytest.approx(60 + plan.share * 500, abs=1e-3)
    assert plan.estimate_member_seconds(0) + plan.estimate_member_seconds(1) == pytest.approx(350, abs=1e-3)


def test_folds_that_were_made_are_kept() -> None:
    plan = planned(120, ONE, folds=[5])
    assert (plan.folds, plan.levels) == (5, (1,))


def test_the_dearest_member_is_made_smaller_first() -> None:
    plan = planned(70, ONE, CHEAP)
    assert plan.levels == (1, 0)


def test_a_smaller_way_that_is_no_cheaper_is_passed_over() -> None:
    dear, cheap = fine_tuned(20), TrainingCost(30.0)
    assert planned(40, [dear, dear, cheap]).levels == (2,)


def test_what_cannot_fit_tells_what_would_do() -> None:
    with pytest.raises(TooLittleTime) as told:
        planned(20, ONE)
    assert told.value.seconds == pytest.approx(30)
    assert planned(30, ONE).levels == (2,)


def test_what_is_finished_costs_nothing() -> None:
    plan = plan_within(1.0, [1], [5], lambda *_: [], 1)
    assert (plan.seconds, plan.share, plan.jobs) == (0, 1.0, ())


@pytest.mark.parametrize(("slots", "seconds"), [(1, 50), (2, 30), (3, 20), (9, 10)])
def test_jobs_are_shared_by_slots(slots: int, seconds: float) -> None:
    jobs = [(Unit(0, fold, TrainingCost(10.0)),) for fold in range(5)]
    assert compute_makespan(jobs, 1.0, slots) == seconds


def test_each_network_is_told_what_comes_after_it() -> None:
    plan = planned(300, [fine_tuned(10)], [TrainingCost(7.0)], [fine_tuned(4, asked=3)], folds=[2])
    told = compute_allotments(plan, deadline=1000.0, grace=15.0)
    assert set(told) == {(0, 0), (0, 1), (2, 0), (2, 1)}
    first = told[0, 0]
    assert (first.deadline, first.grace, first.finish) == (1000.0, 15.0, 2.0)
    assert first.phases == (PhaseEpochs(5, 10),)
    assert first.after_fixed == 12 + 7 + 12 + 12
    assert first.after == (PhaseEpochs(3, 8), PhaseEpochs(5, 10))
    last = told[2, 1]
    assert (last.after_fixed, last.after) == (0.0, ())


def test_what_runs_in_another_slot_does_not_come_after() -> None:
    plan = planned(1000, [fine_tuned(10)], folds=[3], slots=2)
    told = compute_allotments(plan, 1000.0, 15.0, slots=2)
    assert [told[0, fold].after_fixed for fold in range(3)] == [12, 0, 0]


def test_folds_of_one_process_come_after_each_other() -> None:
    units = tuple(Unit(0, fold, fine_tuned(10, begin=1)) for fold in range(3))
    plan = plan_within(1000, [1], [3], lambda *_: [units])
    assert [compute_allotments(plan, 0.0, 0.0)[0, fold].after_fixed for fold in range(3)] == [6, 3, 0]


def test_an_allotment_passes_through_json() -> None:
    told = Allotment(5.0, 1.0, (PhaseEpochs(5, 2.0, 1.0),), 3.0, 7.0, (PhaseEpochs(3, 8.0),))
    assert Allotment.from_json(json.loads(json.dumps(told.to_json()))) == told
