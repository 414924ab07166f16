"""From a member's settings to its jobs: what it belongs to, whether it may go on as what is there, what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from ...competition.folds.folds import Folds
from ...competition.folds.splits import ALL_PHOTOS
from ...competition.tables import Tables
from ...engines.job import Job
from ...errors import Mismatch
from ...images.cache_policy import parse_cache_limit
from ...inference.runtimes import RuntimeChoice, read_runtime
from ...members.allotment import Allotment
from ...members.decodings import count_decodings
from ...members.records import MemberRecord, list_trained_members, remove_leftovers
from ...members.training_job import TrainingJob
from ...options.declared import RunOptions
from ...paths import CompetitionFolder
from ...serialization import convert_to_plain
from ...storage import remove_folder
from .tensorboard import require_tensorboard

# Functions of job processes, by name.
TRAIN_FROZEN = "ensembler.members.jobs.frozen:train_frozen"
FINE_TUNE = "ensembler.members.fine_tuning.jobs.fine_tune:fine_tune"


@dataclass(frozen=True)
class JobOptions:
    """How jobs run; nothing that their results depend on.

    Attributes
    ----------
    checkpoint_minutes
        Time between two checkpoints; None for one at the end of each epoch.
    tensorboard
        Whether jobs write for TensorBoard.
    runtime
        What networks predict on.
    cache_limit
        Bytes that decoded photos may take on the disk; None is half of what is free.
    """

    checkpoint_minutes: float | None = None
    tensorboard: bool = False
    runtime: RuntimeChoice = "auto"
    cache_limit: int | None = None

    @classmethod
    def read(cls, run: RunOptions) -> Self:
        """Take what concerns jobs from the options of a call.

        Raises
        ------
        BadChoice
            If a value does not fit, or TensorBoard is asked for and not installed.
        """
        if tensorboard := run.get("tensorboard", False):
            require_tensorboard()
        runtime, limit = read_runtime(run.get("runtime")), parse_cache_limit(run.get("cache_limit"))
        return cls(run.get("checkpoint_minutes"), tensorboard, runtime, limit)


@dataclass(frozen=True)
class MemberPlan:
    """A member to be trained, and how.

    Attributes
    ----------
    record
        Its settings, and what they belong to.
    weights
        Where its weights come from.
    data_parallel
        Whether all GPUs work on each of its networks.
    tiny
        Whether its folds share a process.
    options
        How its jobs run.
    work
        Of one fold, or of all together where the backbone is frozen; see :mod:`ensembler.members.work`.
    share
        Of the epochs asked for that is planned.
    allotments
        Of its folds, within a time budget.
    decodings
        Photos that all plans together decode at its size, see :mod:`ensembler.members.decodings`.
    """

    record: MemberRecord
    weights: str
    data_parallel: bool
    tiny: bool
    options: JobOptions
    work: float
    share: float = 1.0
    allotments: Mapping[int, Allotment] = field(default_factory=dict)
    decodings: int = 0


def check_existing_member(folder: CompetitionFolder, record: MemberRecord) -> None:
    """Refuse to mix a member with another one that is there under its name.

    Raises
    ------
    Mismatch
        If it has other settings, samples or folds.
    """
    existing = MemberRecord.load(folder, record.name)
    if existing.fingerprint != record.fingerprint:
        what = (
            existing.settings.describe_differences(record.settings)
            or "photos, how they become pixels, labels, folds or classes"
        )
        raise Mismatch(
            f"{record.name} was trained with other settings: {what}; ask for those, train another member under a "
            f"name of its own (`--members {record.settings.backbone}@LABEL`, or --name NAME), or forget what is there "
            "with --restart."
        )


def prepare_member_folder(folder: CompetitionFolder, record: MemberRecord, *, restart: bool) -> None:
    """Write the member's settings, unless the same are there; see :func:`check_existing_member`."""
    if restart:
        remove_folder(folder.member(record.name))
    if record.name in list_trained_members(folder):
        check_existing_member(folder, record)
        remove_leftovers(folder, record)
        return
    record.save(folder)


def add_decodings(
    folder: CompetitionFolder, plans: Sequence[MemberPlan], tables: Tables, folds: Folds
) -> list[MemberPlan]:
    """Tell each plan how many photos all of them together decode at its size."""
    counts: Counter[int] = Counter()
    for plan in plans:
        counts[plan.record.settings.image_size] += count_decodings(folder, plan.record, tables, folds)
    return [replace(plan, decodings=counts[plan.record.settings.image_size]) for plan in plans]


def build_jobs(folder: CompetitionFolder, plan: MemberPlan) -> list[Job]:
    """One job for a frozen member, whose heads take seconds; else one per fold, but for the tiniest networks."""
    record = plan.record
    missing = record.list_unfinished_folds(folder)
    if not missing:
        return []
    if record.settings.frozen:
        return [_build_job(folder, plan, TRAIN_FROZEN, missing, record.name)]
    if plan.tiny:
        return [_build_job(folder, plan, FINE_TUNE, missing, record.name)]
    return [_build_job(folder, plan, FINE_TUNE, [fold], f"{record.name}-fold-{fold}") for fold in missing]


def build_refit_jobs(folder: CompetitionFolder, plan: MemberPlan) -> list[Job]:
    """Return the job of the network that learns from all photos, unless it is there; its folds must be finished."""
    record = plan.record
    if record.is_finished(folder, ALL_PHOTOS):
        return []
    function = TRAIN_FROZEN if record.settings.frozen else FINE_TUNE
    return [_build_job(folder, plan, function, [ALL_PHOTOS], f"{record.name}-refit")]


def _build_job(folder: CompetitionFolder, plan: MemberPlan, function: str, folds: list[int], name: str) -> Job:
    job = TrainingJob(
        folder,
        plan.record.name,
        tuple(folds),
        plan.weights,
        data_parallel=plan.data_parallel,
        checkpoint_minutes=plan.options.checkpoint_minutes,
        tensorboard=plan.options.tensorboard,
        allotments={fold: plan.allotments[fold] for fold in folds if fold in plan.allotments},
        share=plan.share,
        runtime=plan.options.runtime,
        decodings=plan.decodings,
        cache_limit=plan.options.cache_limit,
    )
    work = plan.work * (1 if plan.record.settings.frozen else len(folds))
    # Frozen networks leave little behind, and members of seconds need not start libraries anew.
    shares_process = plan.record.settings.frozen
    spec = convert_to_plain(job)
    return Job(name, function, spec, plan.record.name, job.folds, work, shares_process=shares_process)
