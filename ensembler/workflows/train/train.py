"""Train members: settings settled first, then a process per job, then the figures."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Unpack

from ...competition.folds.file import load_or_make_folds
from ...engines.local import run_jobs
from ...locks import hold_lock
from ...members.predictions import load_members
from ...members.pseudo_labels.labeller import find_labeller
from ...options.command_line import build_call, save_call
from ...options.configuration import configure
from ...options.declared import TrainingOptions
from ...options.presets import Preset
from ...paths import DEFAULT_WORKSPACE, CompetitionFolder, CompetitionLike, Workspace
from ...progress import SILENT, Progress
from ..fetch.tables import open_refreshed_competition
from ..member_scores import score_members
from ..results import MemberResult
from .budget_options import read_budget
from .budget_report import report_cut_short
from .plan_jobs import JobOptions, add_decodings, build_jobs, build_refit_jobs, prepare_member_folder
from .pseudo_labels import format_pseudo_options, read_confidence, write_labels
from .training_call import TrainingCall


def train_members(
    members: Sequence[str],
    *,
    name: str | None = None,
    competition: CompetitionLike | None = None,
    folds: int | None = None,
    repeats: int | None = None,
    restart: bool = False,
    checkpoint_minutes: float | None = None,
    tensorboard: bool = False,
    runtime: str | None = None,
    cache_limit: str | int | None = None,
    time_budget: str | float | None = None,
    pseudo_labels: str | None = None,
    confidence: float | None = None,
    refit: bool = False,
    preset: Preset | None = None,
    config: str | Path | None = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    progress: Progress = SILENT,
    **options: Unpack[TrainingOptions],
) -> list[MemberResult]:
    """Train backbones over all folds; a fold that is finished is not trained again.

    Parameters
    ----------
    members
        Names of backbones, see :data:`ensembler.backbones.registry.BACKBONES`, or of one's own. ``b0@strong`` is one
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
    runtime
        What networks predict on where there is no GPU: ``keras``; ``graph``, TensorFlow with the weights as constants;
        ``onnx``, ONNX Runtime; or ``auto``, what was measured to be the fastest. None takes the variable
        ``ENSEMBLER_RUNTIME``, or ``auto``.
    cache_limit
        What photos may take on the disk that are decoded once, where that saves time: such as ``20GB``, or bytes; 0 for
        no such photos, None for half of what is free.
    time_budget
        Of the whole call, such as ``90s``, ``10m`` or ``1h30m``, or seconds: what does not fit is cut, first epochs,
        then folds where there are none yet and nobody said how many, then the size of photos and what is trained.
    pseudo_labels
        Name of a finished stack, of whose members' labels the sure ones are learned from too, on photos to predict;
        each fold takes them from networks that never saw what it holds out, see
        :mod:`ensembler.members.pseudo_labels.labeller`.
    confidence
        Least probability of a pseudo-label that is learned from, between 0.5 and 1; None is 0.99.
    refit
        Train one more network of each member, on all photos and for as many epochs as were best on the folds, for
        ``ensembler stack --refit``.
    preset
        Sets options together: ``quick``, ``good`` or ``best``; None is the file's, or ``good``.
    config
        A TOML file of options, which win over the preset's; see :func:`ensembler.options.configuration.configure`.
    **options
        Win over the file's; see :class:`ensembler.options.declared.TrainingOptions`. What is left open is chosen by
        preset, family of the backbone and machine.

    Returns
    -------
    list of MemberResult
        In the order of ``members``.

    Raises
    ------
    BadChoice, Mismatch
        If a name, number or folder does not fit, TensorBoard is asked for and not installed, a member is there with
        other settings, a budget is too short, or a stack cannot give pseudo-labels.
    Busy
        If another process is training one of these members.
    JobFailed
        If a job's process died; the other jobs ran all the same.
    Interrupted
        After Ctrl-C, once the step is finished and saved; the same call goes on from there.
    """
    budget = read_budget(time_budget)
    job_options = JobOptions.read(checkpoint_minutes, runtime, cache_limit, tensorboard=tensorboard)
    confidence = read_confidence(pseudo_labels, confidence, time_budget, refit=refit)
    call = TrainingCall.read(members, name, configure(options, preset, config))
    folder, tables = open_refreshed_competition(competition, workspace, progress)
    call.report_surprises(progress)
    with _lock_members(folder, call.names):
        labeller = find_labeller(folder, tables, pseudo_labels, confidence, call.names) if pseudo_labels else None
        budgeted = call.apply_budget(budget, folder, tables, folds, repeats, progress, restart=restart)
        shared = load_or_make_folds(folder, tables, budgeted.folds, repeats, call.options["seed"])
        plans = call.plan_members(folder, tables, shared, budgeted, labeller, job_options)
        for member, plan in zip(call.members, plans, strict=True):
            prepare_member_folder(folder, plan.record, restart=restart)
            words = build_call(member, name, preset, config, call.configuration.command, time_budget)
            save_call(folder, plan.record.name, [*words, *format_pseudo_options(labeller)])
            if labeller:
                write_labels(folder, plan.record, labeller, progress)
            if not budget:
                report_cut_short(folder, plan.record, progress)
        plans = add_decodings(folder, plans, tables, shared)
        jobs = [job for plan in plans for job in build_jobs(folder, plan)]
        run_jobs(jobs, folder.logs, progress, parallel=call.parallel, gpus=call.gpus)
        jobs = [job for plan in plans for job in build_refit_jobs(folder, plan)] if refit else []
        run_jobs(jobs, folder.logs, progress, parallel=call.parallel, gpus=call.gpus)
    return score_members(folder, tables, load_members(folder, tables, call.names), shared)


@contextlib.contextmanager
def _lock_members(folder: CompetitionFolder, names: Sequence[str]) -> Iterator[None]:
    """Hold the locks of members for the length of the block."""
    with contextlib.ExitStack() as locks:
        for name in names:
            locks.enter_context(hold_lock(folder.member_lock(name), f"{name} of {folder.name}"))
        yield
