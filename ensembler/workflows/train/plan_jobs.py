"""Plans the jobs of members: compares members with those on disk, and builds the jobs of unfinished folds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from ...competition.corrections.corrections import NO_CORRECTIONS, Corrections, save_corrections
from ...competition.folds.folds import Folds
from ...competition.folds.splits import ALL_PHOTOS
from ...competition.tables import Tables
from ...engines.job import Job, Needs
from ...errors import Mismatch
from ...images.cache_policy import parse_cache_limit
from ...inference.runtimes import read_runtime, read_runtime_precision
from ...keras_backend import BACKEND_NAMES, BACKEND_VARIABLE
from ...members.decodings import count_decodings
from ...members.job_files import list_training_files
from ...members.records import MemberRecord, has_results, list_trained_members, remove_leftovers
from ...members.training_job import TrainingJob
from ...options.corrections import CORRECTIONS_FILE
from ...options.declared import RunOptions
from ...paths import CompetitionFolder
from ...serialization import convert_to_plain
from ...storage import remove_folder
from .tensorboard import require_tensorboard

# Names of functions that jobs run.
TRAIN_FROZEN = "ensembler.members.jobs.frozen:train_frozen"
FINE_TUNE = "ensembler.members.fine_tuning.jobs.fine_tune:fine_tune"


@dataclass(frozen=True)
class MemberPlan:
    """A member that will be trained.

    Attributes
    ----------
    record
        Settings of the member, and fingerprints of what they belong to.
    tiny
        Whether its folds share a process.
    work
        Work of one fold, or of all folds together if the backbone is frozen; see :mod:`ensembler.members.work`.
    job
        Its training job, with the allotments of all folds. The folds are still missing.
    needs
        Requirements of each of its jobs on a machine.
    seconds
        Expected duration of each unfinished fold. Of a frozen backbone, the first one stands for all. Empty if the
        speed is unknown.
    feature_seconds
        Part of the first fold in which the missing features of all photos are computed.
    start_seconds
        Duration of the start of a process that computes features.
    corrections
        Corrections of the member's training data.
    """

    record: MemberRecord
    tiny: bool
    work: float
    job: TrainingJob
    needs: Needs
    seconds: Mapping[int, float] = field(default_factory=dict)
    feature_seconds: float = 0.0
    start_seconds: float = 0.0
    corrections: Corrections = NO_CORRECTIONS


def read_job_options(run: RunOptions) -> dict[str, Any]:
    """Return those fields of :class:`.TrainingJob` that are options of a call.

    Raises
    ------
    BadChoice
        If a value is invalid, or TensorBoard is requested and not installed.
    """
    if tensorboard := run.get("tensorboard", False):
        require_tensorboard()
    runtime = read_runtime(run.get("runtime"))
    return {
        "checkpoint_minutes": run.get("checkpoint_minutes"),
        "tensorboard": tensorboard,
        "runtime": runtime,
        "runtime_precision": read_runtime_precision(run.get("runtime_precision"), runtime),
        "cache_limit": parse_cache_limit(run.get("cache_limit")),
    }


def check_existing_member(folder: CompetitionFolder, record: MemberRecord) -> None:
    """Compare a member with the one on disk that has its name.

    Raises
    ------
    Mismatch
        If settings, photos, labels or folds differ, and training has left something to keep.
    """
    existing = MemberRecord.load(folder, record.name)
    if existing.fingerprint != record.fingerprint and has_results(folder, record.name):
        another = (
            f"train another member under its own name (`--members {record.settings.backbone}@LABEL`, or --name NAME), "
            "or train this one again with --restart."
        )
        if replace(existing, backend=record.backend) == record:
            trained, chosen = BACKEND_NAMES[existing.backend], BACKEND_NAMES[record.backend]
            raise Mismatch(
                f"{record.name} was trained by Keras on {trained}, and {chosen} would round differently: set "
                f"{BACKEND_VARIABLE}={existing.backend} to continue, {another}"
            )
        what = (
            existing.settings.describe_differences(record.settings)
            or "photos, how they become pixels, labels, folds or classes"
        )
        copy = ""
        if existing.settings.corrections not in (None, record.settings.corrections):
            path = folder.member(record.name) / CORRECTIONS_FILE
            copy = f" Its corrections are stored in {path}, which --exclude and --relabel take."
        raise Mismatch(
            f"{record.name} was trained with other settings: {what}. Use the stored settings, {another}{copy}"
        )


def prepare_member_folder(
    folder: CompetitionFolder, record: MemberRecord, corrections: Corrections = NO_CORRECTIONS, *, restart: bool
) -> None:
    """Write the settings and corrections of a member, or compare them with those on disk."""
    if restart:
        remove_folder(folder.member(record.name))
    if record.name in list_trained_members(folder):
        check_existing_member(folder, record)
        if has_results(folder, record.name):
            remove_leftovers(folder, record)
            return
        # The first job failed, for example because of a wrong file of weights.
        remove_folder(folder.member(record.name))
    if corrections:
        save_corrections(folder.member(record.name) / CORRECTIONS_FILE, corrections)
    record.save(folder)


def add_decodings(
    folder: CompetitionFolder, plans: Sequence[MemberPlan], tables: Tables, folds: Folds
) -> list[MemberPlan]:
    """Set in each job the number of photos that all plans together decode at its size."""
    counts: Counter[int] = Counter()
    for plan in plans:
        counts[plan.record.settings.image_size] += count_decodings(folder, plan.record, tables, folds)
    return [replace(plan, job=replace(plan.job, decodings=counts[plan.record.settings.image_size])) for plan in plans]


def build_jobs(folder: CompetitionFolder, plan: MemberPlan) -> list[Job]:
    """Return a job for each unfinished fold, or one for all if the backbone is frozen or the network is tiny."""
    missing = plan.record.list_unfinished_folds(folder)
    if plan.record.settings.frozen or plan.tiny:
        return [_build_job(plan, missing, plan.record.name)] if missing else []
    return [_build_job(plan, [fold], f"{plan.record.name}-fold-{fold}") for fold in missing]


def build_refit_jobs(folder: CompetitionFolder, plan: MemberPlan) -> list[Job]:
    """Return the job of the network that learns from all photos, unless it is finished. All folds must be finished."""
    finished = plan.record.is_finished(folder, ALL_PHOTOS)
    return [] if finished else [_build_job(plan, [ALL_PHOTOS], f"{plan.record.name}-refit")]


def _build_job(plan: MemberPlan, folds: Sequence[int], name: str) -> Job:
    frozen = plan.record.settings.frozen
    allotments = {fold: each for fold, each in plan.job.allotments.items() if fold in folds}
    training = replace(plan.job, folds=tuple(folds), allotments=allotments)
    work = plan.work * (1 if frozen else len(folds))
    function = TRAIN_FROZEN if frozen else FINE_TUNE
    spec, files = convert_to_plain(training), partial(list_training_files, training)
    # Frozen networks leave little in memory, and training of a few seconds should not import libraries again.
    return Job(
        name,
        function,
        spec,
        plan.record.name,
        tuple(folds),
        work,
        shares_process=frozen,
        needs=plan.needs,
        seconds=sum(plan.seconds.get(fold, 0.0) for fold in folds) if plan.seconds.keys() & set(folds) else None,
        files=files,
    )
