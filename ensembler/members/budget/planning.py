"""The plan of a time budget. It cuts epochs first, then folds, then the size of members."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..allotment import Allotment, find_largest_share
from .costs import JobCosts, NetworkCost
from .sizes import SettingsAndWeights

# Function that estimates the jobs of a member, from its number, one of its ways and a number of folds.
Price = Callable[[int, SettingsAndWeights, int], Sequence[JobCosts]]


@dataclass(frozen=True)
class BudgetPlan:
    """Training that fits into a time budget.

    Attributes
    ----------
    ways
        Settings and source of the weights of each member.
    folds
        Number of folds. None means as requested.
    share
        Share of the requested epochs. Each phase has at least one.
    jobs
        Estimated jobs in order.
    seconds
        Time from the start of the first job to the end of the last one.
    full_seconds
        Same time for all requested work.
    allotments
        Deadline and epochs of each fine-tuned network, by the numbers of its member and fold.
    """

    ways: Sequence[SettingsAndWeights]
    folds: int | None
    share: float = 1.0
    jobs: Sequence[JobCosts] = ()
    seconds: float = 0.0
    full_seconds: float = 0.0
    allotments: Mapping[tuple[int, int], Allotment] = field(default_factory=dict)

    def estimate_member_seconds(self, member: int) -> float:
        """Estimate the seconds of one member's jobs in sequence."""
        return sum(cost.estimate_seconds(self.share) for job in self.jobs for cost in job if cost.member == member)


def plan_within(
    seconds: float, ways: Sequence[Sequence[SettingsAndWeights]], folds: Sequence[int], price: Price, slots: int = 1
) -> BudgetPlan:
    """Decide what to cut so that all jobs end within ``seconds``.

    Parameters
    ----------
    ways
        Ways to train each member: as requested, then smaller and smaller.
    folds
        Numbers of folds to choose from, the requested one first.
    slots
        Number of parallel jobs.

    Returns
    -------
    BudgetPlan
        First plan that fits. If none does, the shortest plan, which takes longer than ``seconds``.
    """
    full_seconds, shortest = 0.0, None
    for chosen, count in _iterate_cuts(ways, folds, price):
        jobs = [job for member, way in enumerate(chosen) for job in price(member, way, count)]
        full_seconds = full_seconds or compute_makespan(jobs, 1.0, slots)
        share = find_largest_share(lambda share, jobs=jobs: compute_makespan(jobs, share, slots) <= seconds)  # type: ignore[misc]
        plan = BudgetPlan(chosen, count, share or 0.0, jobs, compute_makespan(jobs, share or 0.0, slots), full_seconds)
        if share is not None:
            return plan
        shortest = min(shortest or plan, plan, key=lambda each: each.seconds)
    if shortest is None:
        raise ValueError("There are no folds to choose from.")
    return shortest


def _iterate_cuts(
    ways: Sequence[Sequence[SettingsAndWeights]], folds: Sequence[int], price: Price
) -> Iterator[tuple[list[SettingsAndWeights], int]]:
    """Yield ways and folds in order of preference: fewer folds, then a smaller way of the slowest member."""
    levels = [0] * len(ways)

    def choose() -> list[SettingsAndWeights]:
        return [each[level] for each, level in zip(ways, levels, strict=True)]

    def estimate_least_seconds(member: int) -> float:
        return compute_makespan(price(member, ways[member][levels[member]], folds[-1]), 0.0, 1)

    for count in folds:
        yield choose(), count
    while smaller := [member for member, level in enumerate(levels) if level + 1 < len(ways[member])]:
        levels[max(smaller, key=estimate_least_seconds)] += 1
        yield choose(), folds[-1]


def compute_makespan(jobs: Sequence[JobCosts], share: float, slots: int) -> float:
    """Compute the seconds until all jobs are done. Each job starts as soon as a slot is free."""
    return max((end for _, end in _schedule(jobs, share, slots)), default=0.0)


def _schedule(jobs: Sequence[JobCosts], share: float, slots: int) -> Iterator[tuple[NetworkCost, float]]:
    """Yield each network with the time of its end. Several slots take the longest job first, as engines do."""
    free = [0.0] * slots
    if slots > 1:
        jobs = sorted(jobs, key=lambda job: -sum(cost.estimate_seconds(share) for cost in job))
    for job in jobs:
        end = heapq.heappop(free)
        for cost in job:
            end += cost.estimate_seconds(share)
            yield cost, end
        heapq.heappush(free, end)


def allot(plan: BudgetPlan, now: float, deadline: float, grace: float, slots: int) -> dict[tuple[int, int], Allotment]:
    """Set the deadline of each fine-tuned network. Spare time is distributed over all networks."""
    stretch = (deadline - now) / plan.seconds if plan.seconds else 1.0
    return {
        (cost.member, cost.fold): Allotment(now + stretch * end, grace, cost.phases, cost.finish)
        for cost, end in _schedule(plan.jobs, plan.share, slots)
        if cost.phases
    }
