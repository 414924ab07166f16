"""Train members: settings settled first, then a process per job, then the figures."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

from ..competition.folds.file import shared_folds
from ..competition.folds.folds import Folds
from ..competition.metrics.scoring import judge_out_of_fold
from ..competition.samples import samples_fingerprint
from ..competition.tables import Tables
from ..engines.job import Job
from ..engines.local import run_jobs
from ..errors import BadChoice, Mismatch
from ..locks import held
from ..members.assignment import Assignment
from ..members.choosing import unused_options
from ..members.figures import MemberFigures, save_figures
from ..members.names import member_names
from ..members.option_reading import typed
from ..members.options import TrainingOptions
from ..members.presets import NO_GPU, NOTHING, Preset
from ..members.records import MemberRecord, tidy, trained_members
from ..members.registry import Backbone
from ..members.settings import MemberSettings
from ..members.work import job_work
from ..progress import SILENT, Progress
from ..stacking.inputs import MemberPredictions, load_members
from ..storage import HERE, CompetitionFolder, Workspace, file_digest, remove_folder
from .calls import call_words, save_call
from .competitions import open_competition
from .configuration import Configuration, configure
from .machine import PLAIN, ThisMachine, this_machine
from .results import MemberResult
from .tensorboard import require_tensorboard


@dataclass(frozen=True)
class Plan:
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
    checkpoint_minutes
        Time between two checkpoints; None for one at the end of each epoch.
    tensorboard
        Whether its jobs write for TensorBoard.
    work
        Of one fold, or of all together where the backbone is frozen; see :mod:`ensembler.members.work`.
    """

    record: MemberRecord
    weights: str
    data_parallel: bool
    tiny: bool
    checkpoint_minutes: float | None
    tensorboard: bool
    work: float


def train_members(
    members: Sequence[str],
    *,
    name: str | None = None,
    competition: str | None = None,
    folds: int | None = None,
    repeats: int | None = None,
    restart: bool = False,
    checkpoint_minutes: float | None = None,
    tensorboard: bool = False,
    preset: Preset | None = None,
    config: str | Path | None = None,
    workspace: Workspace = HERE,
    progress: Progress = SILENT,
    **options: Unpack[TrainingOptions],
) -> list[MemberResult]:
    """Train backbones over all folds; a fold that is finished is not trained again.

    Parameters
    ----------
    members
        Names of backbones, see :data:`ensembler.members.registry.BACKBONES`, or of one's own. ``b0@strong`` is one
        more member of the backbone b0; what follows ``@`` is any label.
    name
        What to call the one member of this call; None calls each as it stands in ``members``.
    competition
        Its name; None is the one last brought in.
    folds
        How many; the first call makes them, and all members share them. 1 holds out one fifth, and scores members on it
        alone. None takes what is there, or 5. Others are made by :func:`ensembler.folds`.
    repeats
        Times that folds are made, each time others, so that each photo is predicted so often. None takes what is there,
        or once.
    restart
        Forget what these members learned before.
    checkpoint_minutes
        Time between two checkpoints of fine-tuning, also within an epoch; None for one at the end of each epoch.
    tensorboard
        Write losses, learning rate and speed of each epoch for TensorBoard, below ``logs/tensorboard``.
    preset
        Sets options together: ``quick``, ``good`` or ``best``; None is the file's, or ``good``.
    config
        A TOML file of options, which win over the preset's; see :func:`ensembler.workflows.configuration.configure`.
    **options
        Win over the file's; see :class:`ensembler.members.options.TrainingOptions`. What is left open is chosen by
        preset, family of the backbone and machine.

    Returns
    -------
    list of MemberResult
        In the order of ``members``.

    Raises
    ------
    BadChoice, Mismatch
        If a name, number or folder does not fit, TensorBoard is asked for and not installed, or a member is there with
        other settings.
    Busy
        If another process is training one of these members.
    JobFailed
        If a job's process died; the other jobs ran all the same.
    Interrupted
        After Ctrl-C, once the step is finished and saved; the same call goes on from there.
    """
    if checkpoint_minutes is not None and checkpoint_minutes <= 0:
        raise BadChoice(f"--checkpoint-minutes must be more than 0. Received: {checkpoint_minutes}")
    if tensorboard:
        require_tensorboard()
    configuration = configure(options, preset, config)
    backbones = named_backbones(configuration, members)
    names = member_names(members, name, configuration.backbones)
    folder, tables = open_competition(competition, workspace, progress)
    tiny = all(backbone.tiny for backbone in backbones)
    # To look for GPUs takes longer than to train such networks.
    here = PLAIN if tiny else this_machine()
    settled = [configuration.settings(here.machine, member) for member in members]
    general = configuration.in_force(here.machine).options
    shared = shared_folds(folder, tables, folds, repeats, general["seed"])
    _say(configuration, members, [settings for settings, _ in settled], here, progress)
    plans = [
        Plan(
            record=_record(folder, tables, own_name, settings, shared),
            weights=source,
            data_parallel=general["data_parallel"],
            tiny=backbone.tiny,
            checkpoint_minutes=checkpoint_minutes,
            tensorboard=tensorboard,
            work=job_work(settings, backbone, len(tables.train), shared.typical, len(tables.test_paths), 1),
        )
        for own_name, backbone, (settings, source) in zip(names, backbones, settled, strict=True)
    ]
    with contextlib.ExitStack() as ours:
        for own_name in names:
            ours.enter_context(held(folder.member_lock(own_name), f"{own_name} of {folder.name}"))
        for member, plan in zip(members, plans, strict=True):
            _make_room(folder, plan.record, restart=restart)
            save_call(folder, plan.record.name, call_words(member, name, preset, config, configuration.command))
        jobs = [job for plan in plans for job in _jobs(folder, plan)]
        gpus = () if general["data_parallel"] else here.gpus
        run_jobs(jobs, folder.logs, progress, parallel=os.cpu_count() or 1 if tiny else 1, gpus=gpus)
    return member_results(folder, tables, load_members(folder, tables, names), shared)


def named_backbones(configuration: Configuration, members: Sequence[str]) -> list[Backbone]:
    """Find the backbones that a person named.

    Raises
    ------
    BadChoice
        If there is no such backbone, or one is named twice, or none.
    """
    if not members or len(set(members)) < len(members):
        raise BadChoice(f"Name each member once, at least one. Received: {', '.join(members) or 'none'}")
    return [configuration.network(name) for name in members]


def _say(
    configuration: Configuration,
    members: Sequence[str],
    settled: Sequence[MemberSettings],
    here: ThisMachine,
    progress: Progress,
) -> None:
    """Tell what a person may not expect."""
    if here.trouble:
        progress.warn(here.trouble)
    sources = {configuration.in_force(here.machine, member).sources.get("unfreeze") for member in members}
    if NO_GPU in sources:
        progress.note("No GPU: heads are trained on frozen backbones; --unfreeze all fine-tunes them whole.")
    if NOTHING in sources:
        progress.note("Nothing is pretrained, so the whole networks are trained (--unfreeze all).")
    # A file may tell all options; who types one expects an effect.
    unused = {name for one in settled for name in unused_options(configuration.command.options, one)}
    if unused:
        names = ", ".join(sorted(map(typed, unused)))
        progress.warn(f"A frozen backbone (--unfreeze none) makes no use of {names}.")


def _record(
    folder: CompetitionFolder, tables: Tables, name: str, settings: MemberSettings, folds: Folds
) -> MemberRecord:
    return MemberRecord(
        name=name,
        settings=settings,
        samples=samples_fingerprint(folder, tables.manifest),
        folds=file_digest(folder.folds),
        folds_count=folds.splits,
        classes=tables.manifest.outputs,
    )


def _make_room(folder: CompetitionFolder, record: MemberRecord, *, restart: bool) -> None:
    """Write the member's settings, unless the same are there; refuse to mix it with others."""
    if restart:
        remove_folder(folder.member(record.name))
    if record.name in trained_members(folder):
        there = MemberRecord.load(folder, record.name)
        if there.fingerprint != record.fingerprint:
            what = there.settings.differences(record.settings) or "photos, labels, folds or classes"
            raise Mismatch(
                f"{record.name} was trained with other settings: {what}; ask for those, train another member under a "
                f"name of its own (--members {record.settings.backbone}@LABEL, or --as NAME), or forget what is there "
                "with --restart."
            )
        tidy(folder, record)
        return
    record.save(folder)


def _jobs(folder: CompetitionFolder, plan: Plan) -> list[Job]:
    """One job for a frozen member, whose heads take seconds; else one per fold, but for the tiniest networks."""
    record = plan.record
    missing = record.unfinished(folder)
    if not missing:
        return []
    if record.settings.frozen:
        return [_job(folder, plan, "ensembler.members.frozen:train_frozen", missing, record.name)]
    function = "ensembler.members.fine_tuning.job:fine_tune"
    if plan.tiny:
        return [_job(folder, plan, function, missing, record.name)]
    return [_job(folder, plan, function, [fold], f"{record.name}-fold-{fold}") for fold in missing]


def _job(folder: CompetitionFolder, plan: Plan, function: str, folds: list[int], name: str) -> Job:
    assignment = Assignment(
        folder,
        plan.record.name,
        tuple(folds),
        plan.weights,
        data_parallel=plan.data_parallel,
        checkpoint_minutes=plan.checkpoint_minutes,
        tensorboard=plan.tensorboard,
    )
    work = plan.work * (1 if plan.record.settings.frozen else len(folds))
    return Job(name, function, assignment.to_json(), plan.record.name, assignment.folds, work)


def member_results(
    folder: CompetitionFolder, tables: Tables, members: Sequence[MemberPredictions], folds: Folds
) -> list[MemberResult]:
    """Score members out of fold; the figures are kept beside them."""
    return [_member_result(folder, tables, member, folds) for member in members]


def _member_result(folder: CompetitionFolder, tables: Tables, member: MemberPredictions, folds: Folds) -> MemberResult:
    figures = vars(judge_out_of_fold(tables, member.out_of_fold, folds.scored))
    save_figures(folder, member.record, tables.manifest.metric, MemberFigures(**figures))
    return MemberResult(
        name=member.name,
        fold_log_losses=member.fold_scores,
        seconds=member.seconds,
        folder=folder.member(member.name),
        **figures,
    )
