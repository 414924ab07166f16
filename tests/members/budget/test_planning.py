"""What is cut, by tables of costs: no network is trained, no clock is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from ensembler.members.allotment import PhaseEpochs
from ensembler.members.budget.costs import JobCosts, NetworkCost
from ensembler.members.budget.planning import BudgetPlan, allot, compute_makespan, plan_within

FOLDS = (5, 3, 2)


def fine_tuned(epoch: float, *, asked: int = 5, begin: float = 10.0, finish: float = 2.0) -> NetworkCost:
    return NetworkCost(0, 0, begin, (PhaseEpochs(asked, epoch),), finish)


def frozen(seconds: float) -> NetworkCost:
    return NetworkCost(0, 0, seconds)


def planned(
    seconds: float, *members: Sequence[NetworkCost], folds: Sequence[int] = FOLDS, slots: int = 1
) -> BudgetPlan:
    """Plan members whose ways are their costs: a job for each fold, or one alone for a frozen member."""

    def price(member: int, way: Any, folds: int) -> list[JobCosts]:
        return [[replace(way, member=member, fold=fold)] for fold in range(folds if way.phases else 1)]

    return plan_within(seconds, members, folds, price, slots)  # type: ignore[arg-type]


def levels(plan: BudgetPlan, *members: Sequence[NetworkCost]) -> tuple[int, ...]:
    """Tell how far each member was made smaller."""
    return tuple(ways.index(way) for ways, way in zip(members, plan.ways, strict=True))  # type: ignore[arg-type]


# A fold of ONE costs 12 s and 20 s an epoch: 560 s in all; 160 s with one epoch.
ONE = [fine_tuned(20), fine_tuned(10), frozen(30.0)]
CHEAP = [fine_tuned(2, begin=1, finish=1), fine_tuned(1, begin=1, finish=1)]


@pytest.mark.parametrize(
    ("seconds", "folds", "level", "epochs"),
    [
        (600, 5, 0, 5),
        (560, 5, 0, 5),
        (460, 5, 0, 4),
        (162, 5, 0, 1.02),
        # With fewer folds there is time for more epochs again.
        (150, 3, 0, (150 / 3 - 12) / 20),
        (95, 2, 0, (95 / 2 - 12) / 20),
        (60, 2, 1, (60 / 2 - 12) / 10),
        (40, 2, 2, 5),
    ],
)
def test_epochs_go_before_folds_before_sizes(seconds: float, folds: int, level: int, epochs: float) -> None:
    plan = planned(seconds, ONE)
    assert (plan.folds, levels(plan, ONE)) == (folds, (level,))
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
    assert (plan.folds, levels(plan, ONE)) == (5, (1,))


def test_the_dearest_member_is_made_smaller_first() -> None:
    plan = planned(70, ONE, CHEAP)
    assert levels(plan, ONE, CHEAP) == (1, 0)


def test_a_smaller_way_that_is_no_cheaper_is_passed_over() -> None:
    ways = [fine_tuned(20), fine_tuned(21), frozen(30.0)]
    assert levels(planned(40, ways), ways) == (2,)


def test_what_cannot_fit_is_planned_as_short_as_it_can_be() -> None:
    assert planned(20, ONE).seconds == pytest.approx(30)
    assert levels(planned(30, ONE), ONE) == (2,)


def test_what_is_finished_costs_nothing() -> None:
    plan = plan_within(1.0, [[None]], [5], lambda *_: [], 1)  # type: ignore[list-item]
    assert (plan.seconds, plan.share, plan.jobs) == (0, 1.0, [])
    assert allot(plan, 0.0, 10.0, 1.0, 1) == {}


@pytest.mark.parametrize(("slots", "seconds"), [(1, 50), (2, 30), (3, 20), (9, 10)])
def test_jobs_are_shared_by_slots(slots: int, seconds: float) -> None:
    assert compute_makespan([[frozen(10.0)]] * 5, 1.0, slots) == seconds


def test_several_slots_take_the_longest_job_first() -> None:
    jobs = [[frozen(seconds)] for seconds in (2.0, 2.0, 6.0)]
    assert compute_makespan(jobs, 1.0, 2) == 6


def test_each_network_is_told_when_it_has_to_be_done() -> None:
    members = [fine_tuned(10)], [frozen(7.0)], [fine_tuned(4, asked=3)]
    plan = planned(300, *members, folds=[2])
    assert plan.seconds == 62 + 62 + 7 + 24 + 24
    allotments = allot(plan, now=1000.0, deadline=1000.0 + plan.seconds, grace=15.0, slots=1)
    assert {network: each.until for network, each in allotments.items()} == pytest.approx(
        {(0, 0): 1062, (0, 1): 1124, (2, 0): 1155, (2, 1): 1179}
    )
    assert (allotments[0, 0].grace, allotments[0, 0].finish, allotments[0, 0].phases) == (
        15.0,
        2.0,
        (PhaseEpochs(5, 10),),
    )


def test_time_that_is_left_over_is_spread() -> None:
    plan = planned(1000, [fine_tuned(10)], folds=[2])
    allotments = allot(plan, now=0.0, deadline=248.0, grace=15.0, slots=1)
    assert [allotments[0, fold].until for fold in range(2)] == pytest.approx([124, 248])


def test_networks_in_several_slots_have_their_time_side_by_side() -> None:
    plan = planned(1000, [fine_tuned(10)], folds=[3], slots=2)
    allotments = allot(plan, now=0.0, deadline=124.0, grace=15.0, slots=2)
    assert [allotments[0, fold].until for fold in range(3)] == [62, 62, 124]


def test_folds_of_one_process_come_after_each_other() -> None:
    job = [replace(fine_tuned(10), fold=fold) for fold in range(3)]
    plan = BudgetPlan([], 3, 1.0, [job], seconds=186)
    assert [allot(plan, 0.0, 186.0, 0.0, 1)[0, fold].until for fold in range(3)] == [62, 124, 186]
