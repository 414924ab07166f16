"""Adds a teacher to the training of members: checks options, and has the teacher predict what members learn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from ...competition.folds.folds import Folds
from ...competition.folds.splits import ALL_PHOTOS
from ...competition.tables import Tables
from ...engines.engine import Engine
from ...engines.job import Job, Needs
from ...errors import BadChoice, format_count
from ...members.distillation.teacher import Teacher, find_teacher
from ...members.distillation.teaching_job import TeachingJob
from ...members.job_files import list_teaching_files
from ...members.records import MemberRecord
from ...options.corrections import LabelCorrections
from ...options.declared import RunOptions
from ...options.reading import RUN
from ...paths import CompetitionFolder
from ...progress import Progress
from ...serialization import convert_to_plain

_TEACH = "ensembler.members.distillation.jobs.teach:teach"


def read_teacher(
    run: RunOptions, folder: CompetitionFolder, tables: Tables, learners: Mapping[str, LabelCorrections | None]
) -> Teacher | None:
    """Return the teacher that the options name, or None.

    Raises
    ------
    BadChoice
        If the stack cannot teach the learners.
    Mismatch
        If its members were trained again after it.
    """
    if (stack := run.get("teacher")) is None:
        return None
    temperature = run.get("temperature", RUN["temperature"].default)
    weight = run.get("soft_weight", RUN["soft_weight"].default)
    return find_teacher(folder, tables, stack, temperature, weight, learners)


def check_teacher_options(run: RunOptions) -> None:
    """Check options that exclude each other.

    Raises
    ------
    BadChoice
        If options of a teacher are given without one; or if there are pseudo-labels too, which the teacher's
        probabilities replace; or a time budget, which does not plan for a teacher.
    """
    if "teacher" not in run and (alone := [name for name in ("temperature", "soft_weight") if name in run]):
        option = "--" + alone[0].replace("_", "-")
        raise BadChoice(f"{option} applies only to a teacher: add --teacher STACK, or omit {option}.")
    if "teacher" in run and "pseudo_labels" in run:
        raise BadChoice(
            "--pseudo-labels cannot be combined with --teacher, which labels the photos to predict too: omit one of "
            "them."
        )
    if "teacher" in run and "time_budget" in run:
        raise BadChoice("--time-budget cannot be combined with --teacher, which it does not plan: omit one of them.")


def teach_members(
    engine: Engine,
    folder: CompetitionFolder,
    folds: Folds,
    records: Sequence[MemberRecord],
    teacher: Teacher,
    needs: Needs,
    progress: Progress,
    *,
    refit: bool,
) -> None:
    """Have the teacher predict the photos that the unfinished folds of members learn from.

    Raises
    ------
    BadChoice
        If networks should learn from all photos, and the teacher's networks have held out only some of them.
    """
    if refit and not folds.scored.all():
        raise BadChoice(
            "--refit cannot be combined with --teacher if one fifth is held out, because the teacher has no "
            "out-of-fold predictions of the others: omit one of them."
        )
    asked = (*range(folds.splits), ALL_PHOTOS) if refit else tuple(range(folds.splits))
    unfinished = {each.name: [fold for fold in asked if not each.is_finished(folder, fold)] for each in records}
    teaching = TeachingJob(
        folder,
        teacher.members,
        tuple(name for name, missing in unfinished.items() if missing),
        tuple(sorted({fold for missing in unfinished.values() for fold in missing})),
    )
    if any(teaching.list_learners(fold) for fold in teaching.folds):
        spec, files = convert_to_plain(teaching), partial(list_teaching_files, teaching)
        job = Job("teacher", _TEACH, spec, needs=needs, shares_process=True, files=files)
        engine.run_jobs([job], folder.logs, progress)
    source = teacher.source
    for student in teaching.students:
        progress.note(
            f"{student} also learns from {format_count(teacher.members, 'member')} of {source.stack}, at temperature "
            f"{source.temperature:g} and weight {source.weight:g}."
        )
