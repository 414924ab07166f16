"""Fits a call of ``train_members`` into a time budget: prices it by measured speeds, and cuts it until it fits."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from math import ceil
from pathlib import Path

from ...competition.folds.file import DEFAULT_FOLDS, build_folds, load_or_make_folds
from ...competition.folds.folds import Folds
from ...competition.tables import Tables
from ...engines.job import Job
from ...errors import BadChoice, format_count
from ...events import Event, JobEnded
from ...inference.speeds import NetworkSpeed, TrainingSpeed, read_speed, remember_speed
from ...members.budget.costs import JobCosts, price_member, scale_speed
from ...members.budget.planning import BudgetPlan, allot, plan_within
from ...members.budget.sizes import SettingsAndWeights
from ...members.budget.timed_photos import list_timed_files
from ...members.records import MemberRecord, build_record, list_trained_members, load_fold_record
from ...options.durations import format_duration, read_duration
from ...options.kinds import read_value
from ...options.settings import MemberSettings
from ...paths import CompetitionFolder
from ...progress import Progress, ProgressGroup
from ...serialization import compute_fingerprint, make_record
from .expected_seconds import count_missing_views, locate_training_speed
from .plan_jobs import check_existing_member
from .training_call import TrainingCall

# Function that measures speeds in a job.
MEASURE = "ensembler.members.budget.jobs.measure_speeds:measure_speeds"
# Numbers of folds that a budget chooses from if there are no folds and none are requested. 1 is one held-out fifth.
FOLD_COUNTS = (DEFAULT_FOLDS, 3, 2, 1)
# Reserve for the end of the parent process and for the unforeseen: seconds, and share of the budget.
RESERVE_SECONDS, RESERVE_SHARE = 2.0, 0.03
# Shortest budget. A shorter one is refused before speeds are measured.
MIN_SECONDS = 5.0
# Share of the budget after its end at which training stops at once.
GRACE_SHARE = 0.05


@dataclass(frozen=True)
class Budget:
    """Time limit of a call.

    Attributes
    ----------
    seconds
        Maximum duration of the call.
    began
        Time of its start, in seconds since 1970.
    """

    seconds: float
    began: float

    @property
    def deadline(self) -> float:
        """Time at which the last job should end."""
        reserve = RESERVE_SHARE * self.seconds + min(RESERVE_SECONDS, RESERVE_SHARE * self.seconds)
        return self.began + self.seconds - reserve


def read_budget(value: object) -> Budget | None:
    """Return the budget of a call that starts now, or None if ``value`` is None.

    Raises
    ------
    BadChoice
        If ``value`` is not a duration, or is shorter than the start of any training.
    """
    if value is None:
        return None
    seconds = read_value("--time-budget", read_duration, value)
    if seconds < MIN_SECONDS:
        raise BadChoice(
            f"--time-budget must be at least {MIN_SECONDS:g}s, because processes take seconds to start (a number "
            f"without a unit is in seconds; write 30m or 2h). Received: {value}"
        )
    return Budget(seconds, time.time())


def list_possible_folds(
    folder: CompetitionFolder, tables: Tables, folds: int | None, repeats: int | None, seed: int
) -> list[Folds]:
    """Return the folds that a budget chooses from. Existing or requested folds are the only choice.

    Parameters
    ----------
    folds, repeats, seed
        Arguments of :func:`.load_or_make_folds`.

    Raises
    ------
    BadChoice, BadData, Mismatch
        If a number is invalid, or contradicts the existing folds.
    """
    if folder.folds.is_file():
        return [load_or_make_folds(folder, tables, folds, repeats, seed)]
    return [build_folds(tables, count, repeats, seed) for count in (FOLD_COUNTS if folds is None else (folds,))]


def plan_within_budget(
    budget: Budget,
    call: TrainingCall,
    folder: CompetitionFolder,
    tables: Tables,
    folds: Sequence[Folds],
    progress: Progress,
    *,
    restart: bool,
) -> BudgetPlan:
    """Measure speeds, decide what fits into the budget, and report the decision.

    Only logs and the cache of speeds are written. A member that was started in a smaller way continues in that way.

    Parameters
    ----------
    folds
        Folds to choose from, the requested ones first.
    restart
        Whether to ignore existing members.

    Raises
    ------
    BadChoice
        If not even the smallest plan fits. The error names a sufficient budget.
    Mismatch
        If an existing member has other settings than all ways to train it.
    """
    pricing = _Pricing(call, folder, tables, folds, progress, restart=restart)
    now, slots = time.time(), call.slots
    left = budget.deadline - now
    plan = plan_within(left, pricing.ways, [each.count for each in folds], pricing.price, slots)
    if plan.seconds > left:
        # A margin, since speeds vary, rounded up to a whole minute. The next call does not measure speeds again.
        spent = now - budget.began - pricing.measuring_seconds
        needed = (1.1 * plan.seconds + spent + RESERVE_SECONDS) / (1 - RESERVE_SHARE)
        raise BadChoice(
            f"`--time-budget {format_duration(budget.seconds)}` is too short for {', '.join(call.names)}, even "
            f"with one epoch per phase, {format_count(range(folds[-1].count), 'fold')} and the smallest photos: give "
            f"at least {format_duration(60 * ceil(needed / 60))}, or name fewer members."
        )
    progress.note(
        f"Time budget {format_duration(budget.seconds)}, of which {format_duration(now - budget.began)} are spent. "
        f"{format_duration(plan.seconds)} of work are planned."
    )
    for note in describe_plan(plan, call.names, [ways[0][0] for ways in pricing.ways], folds[0]):
        progress.note(note)
    grace = GRACE_SHARE * budget.seconds
    return replace(plan, allotments=allot(plan, now, budget.deadline, grace, slots))


class _Pricing:
    """Cost of each member, by cached or newly measured speeds.

    Attributes
    ----------
    ways
        Ways to train each member: as requested, then ever smaller.
    measuring_seconds
        Duration of the measurement. The next call does not repeat it.
    """

    def __init__(
        self,
        call: TrainingCall,
        folder: CompetitionFolder,
        tables: Tables,
        folds: Sequence[Folds],
        progress: Progress,
        *,
        restart: bool,
    ) -> None:
        self._call = call
        self._folder = folder
        self._tables = tables
        self._folds = {each.count: each for each in folds}
        self._restart = restart
        self.measuring_seconds = 0.0
        self.ways = [self._list_ways(member, folds[0]) for member in range(len(call.names))]
        self._speeds = self._load_or_measure_speeds(folds[0], progress)

    def _list_ways(self, member: int, folds: Folds) -> Sequence[SettingsAndWeights]:
        """Return the ways to train a member. An existing member has one way, that of its settings."""
        ways = self._call.list_ways(member)
        if self._restart or self._call.names[member] not in list_trained_members(self._folder):
            return ways
        existing = MemberRecord.load(self._folder, self._call.names[member]).settings
        begun = [way for way in ways if way[0] == existing] or ways[:1]
        check_existing_member(self._folder, self._build_record(member, begun[0][0], folds))
        return begun

    def _build_record(self, member: int, settings: MemberSettings, folds: Folds) -> MemberRecord:
        return build_record(self._folder, self._tables, self._call.names[member], settings, folds)

    def _list_unfinished_folds(self, record: MemberRecord) -> list[int]:
        return list(range(record.folds_count)) if self._restart else record.list_unfinished_folds(self._folder)

    def _load_or_measure_speeds(self, folds: Folds, progress: Progress) -> dict[Path, TrainingSpeed]:
        """Return the speed of each member as requested, by its file. Members that share a file are measured once."""
        speeds: dict[Path, TrainingSpeed] = {}
        missing: dict[Path, SettingsAndWeights] = {}
        for member, (way, *_) in enumerate(self.ways):
            path = locate_training_speed(self._call, way[0])
            if (known := read_speed(path)) and known.training:
                speeds[path] = known.training
            elif self._list_unfinished_folds(self._build_record(member, way[0], folds)):
                missing[path] = way
        return speeds | self._measure(missing, progress) if missing else speeds

    def _measure(self, missing: dict[Path, SettingsAndWeights], progress: Progress) -> dict[Path, TrainingSpeed]:
        """Measure members in one job, or on several slots each in a job of its own."""
        call, folder, began = self._call, self._folder, time.monotonic()
        paths = list(missing)
        groups = [[path] for path in paths] if call.slots > 1 and not call.tiny else [paths]
        jobs = [self._build_measuring_job([missing[path] for path in group], groups) for group in groups]
        durations = _JobDurations()
        replies = call.engine.run_jobs(jobs, folder.logs, ProgressGroup([progress, durations]))
        self.measuring_seconds = time.monotonic() - began
        speeds = {}
        for job, group, reply in zip(jobs, groups, replies, strict=True):
            start_up = max(0.0, durations.seconds.get(job.name, self.measuring_seconds) - reply["seconds"])
            for path, speed in zip(group, make_record(reply["speeds"], list[NetworkSpeed], job.name), strict=True):
                if speed.training:
                    speeds[path] = replace(speed.training, start_up=start_up)
                    remember_speed(path, replace(speed, training=speeds[path]))
        return speeds

    def _build_measuring_job(self, members: Sequence[SettingsAndWeights], groups: Sequence[Sequence[Path]]) -> Job:
        call, folder = self._call, self._folder
        spec = {
            "competition": str(folder.root),
            "members": [{"settings": asdict(settings), "weights": source} for settings, source in members],
            "data_parallel": call.options["data_parallel"],
        }
        name = "speeds" if len(groups) == 1 else f"speeds-{compute_fingerprint(spec['members'])}"
        return Job(name, MEASURE, spec, needs=call.needs, files=partial(list_timed_files, folder, list(members)))

    def price(self, member: int, way: SettingsAndWeights, count: int) -> list[JobCosts]:
        """Price the jobs of a member. The price of a smaller way is scaled from the speed of the requested one."""
        settings, folds = way[0], self._folds[count]
        record = self._build_record(member, settings, folds)
        unfinished = self._list_unfinished_folds(record)
        if not unfinished:
            return []
        asked = self.ways[member][0][0]
        return price_member(
            member,
            settings,
            scale_speed(self._speeds[locate_training_speed(self._call, asked)], asked.image_size, settings.image_size),
            folds,
            len(self._tables.test_paths),
            unfinished,
            missing_views=count_missing_views(self._folder, record),
            rows_per_photo=self._tables.rows_per_photo,
            shares_process=self._call.backbones[member].tiny,
        )


class _JobDurations(Progress):
    """Durations of ended jobs by name, in seconds, including their start-up."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def emit(self, event: Event) -> None:
        """Remember the duration of a job."""
        if isinstance(event, JobEnded):
            self.seconds[event.job] = event.seconds


def describe_plan(
    plan: BudgetPlan, names: Sequence[str], requested: Sequence[MemberSettings], folds: Folds
) -> Iterator[str]:
    """Yield a line for each member, and a line about what was cut.

    Parameters
    ----------
    requested, folds
        Requested or existing settings and folds.
    """
    fold_words = f"{plan.folds} folds" if plan.folds != 1 else "one held-out fifth"
    cuts = []
    if plan.share < 1:
        cuts.append(f"epochs to {plan.share:.0%} of those requested, at least one a phase")
    if plan.folds != folds.count:
        cuts.append(f"folds from {folds.count} to {fold_words.removesuffix(' folds')}")
    for number, (name, before, (after, _)) in enumerate(zip(names, requested, plan.ways, strict=True)):
        if not (seconds := plan.estimate_member_seconds(number)):
            yield f"  {name}: finished"
            continue
        epochs = [phase.epochs for phase in after.phases]
        done = _format_epochs(sum(max(1.0, plan.share * each) for each in epochs))
        words = [f"{done} of {sum(epochs)} epochs" if epochs else "heads on a frozen backbone"]
        words += [fold_words, *([f"{folds.repeats} times"] if folds.repeats > 1 else [])]
        yield f"  {name}: {', '.join(words)}, {after.image_size} pixels, about {format_duration(seconds)}"
        if after.image_size < before.image_size:
            cuts.append(f"{name} with {after.image_size} instead of {before.image_size} pixels")
        if after.frozen and not before.frozen:
            cuts.append(f"{name} frozen instead of fine-tuned")
    if cuts:
        full = format_duration(plan.full_seconds)
        yield f"Cut to fit, since the requested training takes about {full}: {'; '.join(cuts)}."


def _format_epochs(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def report_cut_short(folder: CompetitionFolder, record: MemberRecord, progress: Progress) -> None:
    """Report a member whose finished folds had fewer epochs than requested, since a budget cut them."""
    requested = sum(phase.epochs for phase in record.settings.phases)
    folds = [load_fold_record(folder, record.name, fold) for fold in range(record.folds_count)]
    done = [fold.epochs for fold in folds if fold is not None and fold.epochs is not None]
    if done and min(done) < requested and not record.settings.patience:
        progress.note(
            f"{record.name} was trained within a time budget, by {_format_epochs(min(done))} to "
            f"{_format_epochs(max(done))} of {requested} epochs: --restart trains it with all of them."
        )
