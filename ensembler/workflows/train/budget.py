"""A time budget for training: what is asked for is priced by measured speeds, and cut until it fits."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from math import ceil
from pathlib import Path

from ...competition.folds.file import DEFAULT_FOLDS, build_folds, load_or_make_folds
from ...competition.folds.folds import Folds
from ...competition.tables import Tables
from ...engines.job import Job
from ...engines.local import run_jobs
from ...errors import BadChoice, format_count
from ...images.views import MIRRORED_VIEW, VIEWS, WHOLE_VIEW
from ...inference.speeds import NetworkSpeed, TrainingSpeed, locate_speed, read_speed, remember_speed
from ...members.budget.costs import JobCosts, price_member, scale_speed
from ...members.budget.planning import BudgetPlan, allot, plan_within
from ...members.budget.sizes import SettingsAndWeights
from ...members.features.files import build_feature_path
from ...members.records import MemberRecord, build_record, list_trained_members, load_fold_record
from ...options.durations import format_duration, read_duration
from ...options.kinds import read_value
from ...options.settings import MemberSettings
from ...paths import CompetitionFolder
from ...progress import Progress
from ...serialization import make_record
from .plan_jobs import check_existing_member
from .training_call import TrainingCall

# Folds that a budget chooses from where there are none yet and nobody said how many; 1 is one held-out fifth.
FOLD_COUNTS = (DEFAULT_FOLDS, 3, 2, 1)
# Kept free for what the parent process does at the end, and for what cannot be foreseen: seconds, share of the budget.
RESERVE_SECONDS, RESERVE_SHARE = 2.0, 0.03
# Share of the budget beyond it at which training is stopped wherever it stands.
GRACE_SHARE = 0.05


@dataclass(frozen=True)
class Budget:
    """How long the whole call may take.

    Attributes
    ----------
    seconds
        Length of the call.
    began
        When the call began, in seconds since 1970.
    """

    seconds: float
    began: float

    @property
    def deadline(self) -> float:
        """When the last job should have ended."""
        reserve = RESERVE_SHARE * self.seconds + min(RESERVE_SECONDS, RESERVE_SHARE * self.seconds)
        return self.began + self.seconds - reserve


def read_budget(value: object) -> Budget | None:
    """Begin to count the time of a call; None for no budget.

    Raises
    ------
    BadChoice
        If ``value`` is no length of time.
    """
    return None if value is None else Budget(read_value("--time-budget", read_duration, value), time.time())


def list_possible_folds(
    folder: CompetitionFolder, tables: Tables, folds: int | None, repeats: int | None, seed: int
) -> list[Folds]:
    """List the folds that a budget may choose from; those that are there, or that were asked for, are kept.

    Parameters
    ----------
    folds, repeats, seed
        As :func:`.load_or_make_folds` takes them.

    Raises
    ------
    BadChoice, BadData, Mismatch
        If they do not fit.
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
    """Measure, decide, and tell what was decided.

    Nothing but the cache of speeds and logs is written. A member that was begun in one of the smaller ways to train it
    continues in that way.

    Parameters
    ----------
    folds
        Folds to choose from, as asked for first.
    restart
        Whether what is there does not count.

    Raises
    ------
    BadChoice
        If not even the least that can be done fits; it names the budget that would do.
    Mismatch
        If a member is there and continues in no way that was asked for.
    """
    pricing = _Pricing(call, folder, tables, folds, progress, restart=restart)
    now, slots = time.time(), len(call.gpus) or call.parallel
    left = budget.deadline - now
    plan = plan_within(left, pricing.ways, [each.count for each in folds], pricing.price, slots)
    if plan.seconds > left:
        # Some air, since speeds differ from one minute to the next, then up to a whole minute. The next call measures
        # nothing any more.
        spent = now - budget.began - pricing.measuring_seconds
        needed = (1.1 * plan.seconds + spent + RESERVE_SECONDS) / (1 - RESERVE_SHARE)
        raise BadChoice(
            f"`--time-budget {format_duration(budget.seconds)}` is too short for {', '.join(call.names)}, also "
            f"with one epoch a phase, {format_count(range(folds[-1].count), 'fold')} and the smallest photos: give at "
            f"least {format_duration(60 * ceil(needed / 60))}, or name fewer members."
        )
    progress.note(
        f"Time budget {format_duration(budget.seconds)}, of which {format_duration(now - budget.began)} are spent; "
        f"{format_duration(plan.seconds)} of work are planned."
    )
    for note in describe_plan(plan, call.names, [ways[0][0] for ways in pricing.ways], folds[0]):
        progress.note(note)
    grace = GRACE_SHARE * budget.seconds
    return replace(plan, allotments=allot(plan, now, budget.deadline, grace, slots))


class _Pricing:
    """What each member costs, by speeds that are cached or measured here.

    Attributes
    ----------
    ways
        Ways to train each member: as it was asked for, then ever smaller.
    measuring_seconds
        Time that measuring took, which the next call does not need.
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
        """List the ways to train a member; only that in which it is there, which must be one of them."""
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
        """Return speeds by their file, of members as they were asked for; several that are alike are measured once."""
        speeds: dict[Path, TrainingSpeed] = {}
        missing: dict[Path, SettingsAndWeights] = {}
        for member, (way, *_) in enumerate(self.ways):
            path = self._locate_speed(way[0])
            if (known := read_speed(path)) and known.training:
                speeds[path] = known.training
            elif self._list_unfinished_folds(self._build_record(member, way[0], folds)):
                missing[path] = way
        return speeds | self._measure(missing, progress) if missing else speeds

    def _measure(self, missing: dict[Path, SettingsAndWeights], progress: Progress) -> dict[Path, TrainingSpeed]:
        call, folder, began = self._call, self._folder, time.monotonic()
        members = [{"settings": asdict(settings), "weights": source} for settings, source in missing.values()]
        spec = {
            "competition": str(folder.root),
            "members": members,
            "data_parallel": call.options["data_parallel"],
        }
        job = Job("speeds", "ensembler.members.budget.jobs.measure_speeds:measure_speeds", spec)
        [reply] = run_jobs([job], folder.logs, progress, parallel=call.parallel, gpus=call.gpus)
        self.measuring_seconds = time.monotonic() - began
        start_up = max(0.0, self.measuring_seconds - reply["seconds"])
        speeds = {}
        for path, speed in zip(missing, make_record(reply["speeds"], list[NetworkSpeed], job.name), strict=True):
            if speed.training:
                speeds[path] = replace(speed.training, start_up=start_up)
                remember_speed(path, replace(speed, training=speeds[path]))
        return speeds

    def _locate_speed(self, settings: MemberSettings) -> Path:
        """Return the file of a member's speed on this machine, as jobs share it."""
        names = ("backbone", "builder", "preprocessing", "weights", "pooling", "hidden", "head", "augmentation", "ema")
        phases = [[phase.unfreeze, phase.batch_norm] for phase in settings.phases]
        network = [*(getattr(settings, name) for name in names), phases]
        call = self._call
        device = [platform.machine(), os.cpu_count(), call.gpus, call.parallel, call.options["data_parallel"]]
        return locate_speed(network, settings.image_size, settings.batch_size, settings.precision, device)

    def price(self, member: int, way: SettingsAndWeights, count: int) -> list[JobCosts]:
        """Price the jobs of a member as they will be run; a smaller way by the speed of the one that was asked for."""
        settings, folds = way[0], self._folds[count]
        record = self._build_record(member, settings, folds)
        unfinished = self._list_unfinished_folds(record)
        if not unfinished:
            return []
        asked = self.ways[member][0][0]
        known = record.load_speed(self._folder)
        return price_member(
            member,
            settings,
            scale_speed(self._speeds[self._locate_speed(asked)], asked.image_size, settings.image_size),
            folds,
            len(self._tables.test_paths),
            unfinished,
            missing_views=self._count_missing_views(record),
            measures_speed=self._restart or known is None or not known.is_of_this_machine,
            shares_process=self._call.backbones[member].tiny,
        )

    def _count_missing_views(self, record: MemberRecord) -> int:
        """Count the views whose frozen features are needed and not cached."""
        settings = record.settings
        if not settings.frozen and settings.head == "random":
            return 0
        views = {WHOLE_VIEW, MIRRORED_VIEW} if settings.flips else {WHOLE_VIEW}
        if settings.frozen:
            views |= set(VIEWS[settings.tta])
        return sum(not build_feature_path(self._folder, record, view).is_file() for view in views)


def describe_plan(
    plan: BudgetPlan, names: Sequence[str], requested: Sequence[MemberSettings], folds: Folds
) -> Iterator[str]:
    """Say what each member gets, and what was cut and why.

    Parameters
    ----------
    requested, folds
        Settings and folds as they were asked for, or as they were there.
    """
    fold_words = f"{plan.folds} folds" if plan.folds != 1 else "one held-out fifth"
    cuts = []
    if plan.share < 1:
        cuts.append(f"epochs to {plan.share:.0%} of those asked for, at least one a phase")
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
        yield f"Cut to fit, since all that was asked for takes about {full}: {'; '.join(cuts)}."


def _format_epochs(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def report_cut_short(folder: CompetitionFolder, record: MemberRecord, progress: Progress) -> None:
    """Tell of a member whose finished folds had fewer epochs than asked for, since a budget cut them."""
    requested = sum(phase.epochs for phase in record.settings.phases)
    folds = [load_fold_record(folder, record.name, fold) for fold in range(record.folds_count)]
    done = [fold.epochs for fold in folds if fold is not None and fold.epochs is not None]
    if done and min(done) < requested and not record.settings.patience:
        progress.note(
            f"{record.name} was trained within a time budget, by {_format_epochs(min(done))} to "
            f"{_format_epochs(max(done))} of {requested} epochs: --restart trains it by all of them."
        )
