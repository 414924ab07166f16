"""A time budget for training: what is asked for is priced by measured speeds, and cut until it fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil

from ...competition.tables import Tables
from ...errors import BadChoice, format_count, spell
from ...images.views import MIRRORED_VIEW, VIEWS, WHOLE_VIEW
from ...members.allotment import Allotment
from ...members.budget.costs import PhotoCounts, TrainingCost, estimate_fold_cost, estimate_frozen_cost
from ...members.budget.planning import BudgetPlan, JobUnits, TooLittleTime, Unit, compute_allotments, plan_within
from ...members.budget.sizes import SettingsAndWeights
from ...members.features.files import build_feature_path
from ...members.records import MemberRecord, build_record, list_trained_members
from ...options.durations import format_duration
from ...options.settings import MemberSettings
from ...progress import Progress
from .budget_options import RESERVE_SECONDS, RESERVE_SHARE, Budget, TrainingRequest
from .budget_report import report_plan
from .budget_speeds import JobEnvironment, MemberSpeeds
from .plan_jobs import check_existing_member

# Share of the budget beyond it at which training is stopped wherever it stands.
GRACE_SHARE = 0.05
# Smaller ways to train may have to be measured too, before it is known that they fit.
_MAX_ROUNDS = 3


@dataclass(frozen=True)
class BudgetedTraining:
    """What a budget leaves of what was asked for.

    Attributes
    ----------
    settings_and_weights
        Settings of each member, and where its weights come from.
    folds
        How many; None for what was asked for.
    share
        Of the epochs asked for that is planned.
    allotments
        Of each fold of each fine-tuned member, by its name.
    """

    settings_and_weights: list[SettingsAndWeights]
    folds: int | None
    share: float = 1.0
    allotments: dict[str, dict[int, Allotment]] = field(default_factory=dict)


def plan_within_budget(
    budget: Budget, request: TrainingRequest, environment: JobEnvironment, tables: Tables, progress: Progress
) -> BudgetedTraining:
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
    planner = _Planner(budget, request, environment, tables, progress)
    plan = planner.plan()
    chosen = [ways[level] for ways, level in zip(planner.ways, plan.levels, strict=True)]
    progress.note(
        f"Time budget {format_duration(budget.seconds)}, of which {format_duration(budget.spent)} are spent; "
        f"{format_duration(plan.seconds)} of work are planned."
    )
    before, after = [ways[0][0] for ways in request.ways], [settings for settings, _ in chosen]
    report_plan(plan, request.names, before, after, planner.folds[0], request.folds[0].repeats, progress)
    allotments_by_member: dict[str, dict[int, Allotment]] = {name: {} for name in request.names}
    for (member, fold), each in compute_allotments(
        plan, budget.deadline, GRACE_SHARE * budget.seconds, environment.slots
    ).items():
        allotments_by_member[request.names[member]][fold] = each
    return BudgetedTraining(chosen, plan.folds, plan.share, allotments_by_member)


class _Planner:
    """Finds the plan; has measured what the plan rests on."""

    def __init__(
        self, budget: Budget, request: TrainingRequest, environment: JobEnvironment, tables: Tables, progress: Progress
    ) -> None:
        self._budget = budget
        self._request = request
        self._environment = environment
        self._tables = tables
        self._folds = {folds.count: folds for folds in request.folds}
        self.folds = list(self._folds)
        self.ways = [self._keep_begun_way(name, ways) for name, ways in zip(request.names, request.ways, strict=True)]
        self._speeds = MemberSpeeds(environment, request.names, self.ways, progress)

    def _keep_begun_way(self, name: str, ways: Sequence[SettingsAndWeights]) -> Sequence[SettingsAndWeights]:
        """Keep to the way in which a member is there; refuse one that is there in no such way."""
        folder = self._environment.folder
        if self._request.restart or name not in list_trained_members(folder):
            return ways
        existing = MemberRecord.load(folder, name).settings
        begun = [way for way in ways if way[0] == existing] or ways[:1]
        check_existing_member(folder, build_record(folder, self._tables, name, begun[0][0], self._request.folds[0]))
        return begun

    def plan(self) -> BudgetPlan:
        """Plan with what is known, measure what the plan rests on, and plan again if need be."""
        self._measure_missing([0] * len(self.ways), self.folds[0])
        for _ in range(_MAX_ROUNDS):
            plan = self._fit_plan()
            if not self._measure_missing(plan.levels, plan.folds):
                return plan
        return self._fit_plan()

    def _measure_missing(self, levels: Sequence[int], folds: int) -> bool:
        """Measure what is to be trained and is not known; tell whether there was anything."""
        chosen = [(member, self.ways[member][level]) for member, level in enumerate(levels)]
        missing = [
            (member, way)
            for member, way in chosen
            if not self._speeds.has_measured(member, way[0]) and self._list_unfinished_folds(member, way[0], folds)
        ]
        self._speeds.measure(missing)
        return bool(missing)

    def _fit_plan(self) -> BudgetPlan:
        left = self._budget.deadline - self._budget.clock()
        try:
            return plan_within(
                left, [len(ways) for ways in self.ways], self.folds, self._list_job_units, self._environment.slots
            )
        except TooLittleTime as least:
            raise self._make_too_short_error(least.seconds) from None

    def _make_too_short_error(self, seconds: float) -> BadChoice:
        # Some air, since speeds differ from one minute to the next; then up to a whole minute. The next call measures
        # nothing any more.
        spent = self._budget.spent - self._speeds.seconds
        needed = (1.1 * seconds + spent + RESERVE_SECONDS) / (1 - RESERVE_SHARE)
        given, enough = format_duration(self._budget.seconds), format_duration(60 * ceil(needed / 60))
        folds = format_count(range(self.folds[-1]), "fold")
        return BadChoice(
            f"{spell('time_budget', given)} is too short for {', '.join(self._request.names)}, also with one epoch a "
            f"phase, {folds} and the smallest photos: give at least {enough}, or name fewer members."
        )

    def _list_job_units(self, member: int, level: int, folds: int) -> list[JobUnits]:
        """Price the jobs of a member at a level, as they will be run."""
        settings = self.ways[member][level][0]
        unfinished = self._list_unfinished_folds(member, settings, folds)
        if not unfinished:
            return []
        works = self._estimate_costs(member, settings, folds, len(unfinished))
        units = [Unit(member, fold, work) for fold, work in zip(unfinished, works, strict=False)]
        return [tuple(units)] if self._request.tiny[member] else [(unit,) for unit in units]

    def _estimate_costs(self, member: int, settings: MemberSettings, folds: int, unfinished: int) -> list[TrainingCost]:
        """Price each network that is missing, or all heads of a frozen member as one piece of work."""
        counts = PhotoCounts(len(self._tables.train), len(self._tables.test_paths), folds)
        record = self._build_record(member, settings, folds)
        speeds, missing = self._speeds.find_or_estimate(member, settings), self._count_missing_views(record)
        known = record.load_speed(self._environment.folder)
        measures_speed = self._request.restart or known is None or not known.is_of_this_machine
        if settings.frozen:
            return [
                estimate_frozen_cost(
                    speeds, settings, counts, unfinished, missing_views=missing, measures_speed=measures_speed
                )
            ]
        shares_process = self._request.tiny[member]
        first = estimate_fold_cost(
            speeds, settings, counts, missing_views=missing, starts_process=True, measures_speed=measures_speed
        )
        # The first fold leaves its features for the others, and figures of speed.
        other = estimate_fold_cost(
            speeds, settings, counts, missing_views=0, starts_process=not shares_process, measures_speed=False
        )
        return [first, *[other] * (unfinished - 1)]

    def _count_missing_views(self, record: MemberRecord) -> int:
        """Count the views whose frozen features are needed and not cached."""
        settings = record.settings
        if not settings.frozen and settings.head == "random":
            return 0
        views = {WHOLE_VIEW, MIRRORED_VIEW} if settings.flips else {WHOLE_VIEW}
        if settings.frozen:
            views |= set(VIEWS[settings.tta])
        return sum(not build_feature_path(self._environment.folder, record, view).is_file() for view in views)

    def _list_unfinished_folds(self, member: int, settings: MemberSettings, folds: int) -> list[int]:
        record = self._build_record(member, settings, folds)
        return (
            list(range(record.folds_count))
            if self._request.restart
            else record.list_unfinished_folds(self._environment.folder)
        )

    def _build_record(self, member: int, settings: MemberSettings, folds: int) -> MemberRecord:
        return build_record(
            self._environment.folder, self._tables, self._request.names[member], settings, self._folds[folds]
        )
