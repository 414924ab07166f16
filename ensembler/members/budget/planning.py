"""What fits into a time budget: all of it, else fewer epochs, else fewer folds, else smaller members."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ..allotment import Allotment, PhaseEpochs, find_largest_share
from .costs import TrainingCost


@dataclass(frozen=True)
class Unit:
    """One network to train, or all heads of a frozen member."""

    member: int
    fold: int
    cost: TrainingCost


# Units that one process does, one after the other.
JobUnits = tuple[Unit, ...]
# Of a member by its number, at one of its levels, with so many folds.
Costs = Callable[[int, int, int], Sequence[JobUnits]]


@dataclass(frozen=True)
class BudgetPlan:
    """What will be done.

    Attributes
    ----------
    folds
        How many.
    levels
        Of each member: 0 as it was asked for, then ever smaller.
    share
        Of the epochs asked for, at least one a phase.
    jobs
        Work in the order in which it is done.
    seconds
        From the first job's start to the last one's end.
    full_seconds
        The same of all that was asked for.
    """

    folds: int
    levels: tuple[int, ...]
    share: float
    jobs: tuple[JobUnits, ...]
    seconds: float
    full_seconds: float

    def estimate_member_seconds(self, member: int) -> float:
        """Seconds of one member's jobs, one after the other."""
        return sum(unit.cost.estimate_seconds(self.share) for job in self.jobs for unit in job if unit.member == member)


class TooLittleTime(Exception):
    """Not even the least fits; ``seconds`` would do for it."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"{seconds:.1f} s are needed.")
        self.seconds = seconds


def plan_within(
    seconds: float, levels: Sequence[int], folds: Sequence[int], costs: Costs, slots: int = 1
) -> BudgetPlan:
    """Decide what is cut so that all jobs end within ``seconds``.

    Parameters
    ----------
    levels
        How many each member has: as asked for, then ever smaller.
    folds
        Numbers of folds to choose from, as asked for first.
    slots
        Jobs that run at a time.

    Raises
    ------
    TooLittleTime
        If it cannot be done.
    """

    def list_jobs(chosen: Sequence[int], count: int) -> tuple[JobUnits, ...]:
        return tuple(job for member, level in enumerate(chosen) for job in costs(member, level, count))

    chosen = (0,) * len(levels)
    full = compute_makespan(list_jobs(chosen, folds[0]), 1.0, slots)
    for now, count in _iterate_cuts(levels, folds, costs):
        jobs = list_jobs(now, count)
        share = find_largest_share(lambda share, jobs=jobs: compute_makespan(jobs, share, slots) <= seconds)  # type: ignore[misc]
        if share is not None:
            return BudgetPlan(count, now, share, jobs, compute_makespan(jobs, share, slots), full)
    raise TooLittleTime(
        min(compute_makespan(list_jobs(now, count), 0.0, slots) for now, count in _iterate_cuts(levels, folds, costs))
    )


def _iterate_cuts(levels: Sequence[int], folds: Sequence[int], costs: Costs) -> Iterator[tuple[tuple[int, ...], int]]:
    """Levels and folds in the order in which they are tried: fewer folds, then the dearest member made smaller."""
    chosen = [0] * len(levels)
    for count in folds:
        yield tuple(chosen), count
    count = folds[-1]

    def estimate_least_seconds(member: int, level: int) -> float:
        return compute_makespan(costs(member, level, count), 0.0, 1)

    while True:
        cheaper = {
            member: level
            for member, there in enumerate(levels)
            if (level := _find_next_cheaper(chosen[member], there, partial(estimate_least_seconds, member)))
        }
        if not cheaper:
            return
        dearest = max(cheaper, key=lambda member: (estimate_least_seconds(member, chosen[member]), -member))
        chosen[dearest] = cheaper[dearest]
        yield tuple(chosen), count


def _find_next_cheaper(level: int, levels: int, estimate_least_seconds: Callable[[int], float]) -> int:
    """Return the next level that takes less time; 0 if there is none."""
    return next(
        (lower for lower in range(level + 1, levels) if estimate_least_seconds(lower) < estimate_least_seconds(level)),
        0,
    )


def compute_makespan(jobs: Sequence[JobUnits], share: float, slots: int) -> float:
    """Seconds until all jobs are done, each begun in a slot as soon as one is free."""
    return max((end for _, _, end in _schedule_jobs(jobs, share, slots)), default=0.0)


def _schedule_jobs(jobs: Sequence[JobUnits], share: float, slots: int) -> Iterator[tuple[JobUnits, int, float]]:
    """Each job with its slot and its end."""
    free = [(0.0, slot) for slot in range(slots)]
    for job in jobs:
        begin, slot = heapq.heappop(free)
        end = begin + sum(unit.cost.estimate_seconds(share) for unit in job)
        heapq.heappush(free, (end, slot))
        yield job, slot, end


def compute_allotments(
    plan: BudgetPlan, deadline: float, grace: float, slots: int = 1
) -> dict[tuple[int, int], Allotment]:
    """Tell each network that is fine-tuned what comes after it in its slot; by numbers of member and fold."""
    allotment_by_network: dict[tuple[int, int], Allotment] = {}
    after: dict[int, Allotment] = {}
    for job, slot, _ in reversed(list(_schedule_jobs(plan.jobs, plan.share, slots))):
        rest = after.get(slot, Allotment(deadline, grace, (), 0.0))
        for unit in reversed(job):
            if unit.cost.phases:
                own = replace(rest, phases=unit.cost.phases, finish=unit.cost.finish)
                allotment_by_network[unit.member, unit.fold] = own
            rest = _add_unit(unit.cost, rest)
        after[slot] = rest
    return allotment_by_network


def _add_unit(cost: TrainingCost, rest: Allotment) -> Allotment:
    """Count a unit to what comes after those before it."""
    fixed = cost.fixed + sum(phase.compile_seconds for phase in cost.phases)
    seconds_by_epochs: dict[int, float] = {stretch.requested: stretch.seconds for stretch in rest.after}
    for phase in cost.phases:
        seconds_by_epochs[phase.requested] = seconds_by_epochs.get(phase.requested, 0.0) + phase.seconds
    return replace(
        rest,
        after_fixed=rest.after_fixed + fixed,
        after=tuple(PhaseEpochs(asked, seconds) for asked, seconds in sorted(seconds_by_epochs.items())),
    )
