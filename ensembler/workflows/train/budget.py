"""A time budget for training: what is asked for is priced by measured speeds, and cut until it fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil

from ...competition.tables import Tables
from ...errors import BadChoice, counted
from ...images.views import MIRRORED, VIEWS, WHOLE
from ...members.allotment import Allotment
from ...members.budget.costs import Counts, Work, fold_work, frozen_work
from ...members.budget.planning import BudgetPlan, JobUnits, TooLittleTime, Unit, allotments, plan_within
from ...members.budget.sizes import Settled
from ...members.features.files import feature_file
from ...members.records import MemberRecord, trained_members
from ...members.speed import load_speed
from ...options.durations import duration_text
from ...options.settings import MemberSettings
from ...progress import Progress
from .budget_options import RESERVE, RESERVED_SHARE, Asked, Budget
from .budget_report import tell_plan
from .budget_speeds import MemberSpeeds, Place
from .plan_jobs import record_of, refuse_others

# Share of the budget beyond it at which training is stopped wherever it stands.
GRACE = 0.05
# Smaller ways to train may have to be measured too, before it is known that they fit.
_ROUNDS = 3


@dataclass(frozen=True)
class Budgeted:
    """What a budget leaves of what was asked for.

    Attributes
    ----------
    settled
        Settings of each member, and where its weights come from.
    folds
        How many; None for what was asked for.
    share
        Of the epochs asked for that is planned.
    allotments
        Of each fold of each fine-tuned member, by its name.
    """

    settled: list[Settled]
    folds: int | None
    share: float = 1.0
    allotments: dict[str, dict[int, Allotment]] = field(default_factory=dict)


def within_budget(budget: Budget, asked: Asked, place: Place, tables: Tables, progress: Progress) -> Budgeted:
    """Measure, decide, and tell what was decided.

    Nothing but the cache of speeds and logs is written. A member that is there in one of the smaller ways to train it
    goes on in that way, and folds that were made are kept.

    Raises
    ------
    BadChoice
        If not even the least that can be done fits; it names the budget that would do.
    Mismatch
        If a member is there and goes on in no way that was asked for.
    """
    planner = _Planner(budget, asked, place, tables, progress)
    plan = planner.plan()
    now = [ways[level] for ways, level in zip(planner.ways, plan.levels, strict=True)]
    progress.note(
        f"Time budget {duration_text(budget.seconds)}, of which {duration_text(budget.spent)} are spent; "
        f"{duration_text(plan.seconds)} of work are planned."
    )
    before, after = [ways[0][0] for ways in asked.ways], [settings for settings, _ in now]
    tell_plan(plan, asked.names, before, after, planner.folds[0], asked.folds[0].repeats, progress)
    told: dict[str, dict[int, Allotment]] = {name: {} for name in asked.names}
    for (member, fold), each in allotments(plan, budget.deadline, GRACE * budget.seconds, place.slots).items():
        told[asked.names[member]][fold] = each
    return Budgeted(now, plan.folds, plan.share, told)


class _Planner:
    """Finds the plan; has measured what the plan rests on."""

    def __init__(self, budget: Budget, asked: Asked, place: Place, tables: Tables, progress: Progress) -> None:
        self._budget = budget
        self._asked = asked
        self._place = place
        self._tables = tables
        self._folds = {folds.count: folds for folds in asked.folds}
        self.folds = list(self._folds)
        self.ways = [self._as_begun(name, ways) for name, ways in zip(asked.names, asked.ways, strict=True)]
        self._speeds = MemberSpeeds(place, asked.names, self.ways, progress)

    def _as_begun(self, name: str, ways: Sequence[Settled]) -> Sequence[Settled]:
        """Keep to the way in which a member is there; refuse one that is there in no such way."""
        folder = self._place.folder
        if self._asked.restart or name not in trained_members(folder):
            return ways
        there = MemberRecord.load(folder, name).settings
        begun = [way for way in ways if way[0] == there] or ways[:1]
        refuse_others(folder, record_of(folder, self._tables, name, begun[0][0], self._asked.folds[0]))
        return begun

    def plan(self) -> BudgetPlan:
        """Plan with what is known, measure what the plan rests on, and plan again if need be."""
        self._measure([0] * len(self.ways), self.folds[0])
        for _ in range(_ROUNDS):
            plan = self._fitting()
            if not self._measure(plan.levels, plan.folds):
                return plan
        return self._fitting()

    def _measure(self, levels: Sequence[int], folds: int) -> bool:
        """Measure what is to be trained and is not known; tell whether there was anything."""
        chosen = [(member, self.ways[member][level]) for member, level in enumerate(levels)]
        missing = [
            (member, way)
            for member, way in chosen
            if not self._speeds.has(member, way[0]) and self._unfinished(member, way[0], folds)
        ]
        self._speeds.measure(missing)
        return bool(missing)

    def _fitting(self) -> BudgetPlan:
        left = self._budget.deadline - self._budget.clock()
        try:
            return plan_within(left, [len(ways) for ways in self.ways], self.folds, self._jobs, self._place.slots)
        except TooLittleTime as least:
            raise self._too_short(least.seconds) from None

    def _too_short(self, seconds: float) -> BadChoice:
        # Some air, since speeds differ from one minute to the next; then up to a whole minute. The next call measures
        # nothing any more.
        spent = self._budget.spent - self._speeds.seconds
        needed = (1.1 * seconds + spent + RESERVE) / (1 - RESERVED_SHARE)
        given, enough = duration_text(self._budget.seconds), duration_text(60 * ceil(needed / 60))
        folds = counted(range(self.folds[-1]), "fold")
        return BadChoice(
            f"--time-budget {given} is too short for {', '.join(self._asked.names)}, also with one epoch a phase, "
            f"{folds} and the smallest photos: give at least {enough}, or name fewer members."
        )

    def _jobs(self, member: int, level: int, folds: int) -> list[JobUnits]:
        """Price the jobs of a member at a level, as they will be run."""
        settings = self.ways[member][level][0]
        unfinished = self._unfinished(member, settings, folds)
        if not unfinished:
            return []
        works = self._works(member, settings, folds, len(unfinished))
        units = [Unit(member, fold, work) for fold, work in zip(unfinished, works, strict=False)]
        return [tuple(units)] if self._asked.tiny[member] else [(unit,) for unit in units]

    def _works(self, member: int, settings: MemberSettings, folds: int, unfinished: int) -> list[Work]:
        """Price each network that is missing, or all heads of a frozen member as one piece of work."""
        counts = Counts(len(self._tables.train), len(self._tables.test_paths), folds)
        record = self._record(member, settings, folds)
        speeds, missing = self._speeds.of(member, settings), self._missing_views(record)
        known = load_speed(self._place.folder, record.name, record.fingerprint)
        figures = self._asked.restart or known is None or not known.is_of_this_machine
        if settings.frozen:
            return [frozen_work(speeds, settings, counts, unfinished, missing_views=missing, figures=figures)]
        together = self._asked.tiny[member]
        first = fold_work(speeds, settings, counts, missing_views=missing, starts=True, figures=figures)
        # The first fold leaves its features for the others, and figures of speed.
        other = fold_work(speeds, settings, counts, missing_views=0, starts=not together, figures=False)
        return [first, *[other] * (unfinished - 1)]

    def _missing_views(self, record: MemberRecord) -> int:
        """Count the views whose frozen features are needed and not cached."""
        settings = record.settings
        if not settings.frozen and settings.head == "random":
            return 0
        views = {WHOLE, MIRRORED} if settings.flips else {WHOLE}
        if settings.frozen:
            views |= set(VIEWS[settings.tta])
        return sum(not feature_file(self._place.folder, record, view).is_file() for view in views)

    def _unfinished(self, member: int, settings: MemberSettings, folds: int) -> list[int]:
        record = self._record(member, settings, folds)
        return list(range(record.folds_count)) if self._asked.restart else record.unfinished(self._place.folder)

    def _record(self, member: int, settings: MemberSettings, folds: int) -> MemberRecord:
        return record_of(self._place.folder, self._tables, self._asked.names[member], settings, self._folds[folds])
