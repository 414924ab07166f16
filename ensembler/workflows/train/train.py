"""Train members: settings settled first, then a process per job, then the figures."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

from ...backbones.names import member_names
from ...backbones.registry import Backbone
from ...competition.folds.file import shared_folds
from ...competition.folds.folds import Folds
from ...competition.metrics.scoring import judge_out_of_fold
from ...competition.tables import Tables
from ...engines.local import run_jobs
from ...engines.onednn.settle import settle_onednn
from ...errors import BadChoice
from ...images.cache_policy import read_cache_limit
from ...inference.runtimes import read_runtime
from ...locks import held
from ...members.budget.sizes import Settled, ways_to_train
from ...members.figures import save_figures
from ...members.predictions import MemberPredictions, load_members
from ...members.pseudo_labels.labeller import find_labeller
from ...members.work import job_work, shortened
from ...options.command_line import call_words, save_call
from ...options.configuration import Configuration, configure
from ...options.declared import TrainingOptions
from ...options.presets import NO_GPU, NOTHING, Preset
from ...options.reading import typed
from ...options.resolve import unused_options
from ...options.settings import MemberSettings
from ...paths import HERE, CompetitionFolder, Workspace
from ...progress import SILENT, Progress
from ..competition import open_competition
from ..machine import PLAIN, ThisMachine, this_machine
from ..results import MemberResult
from .budget import Budgeted, within_budget
from .budget_options import Asked, folds_to_choose, read_budget
from .budget_report import tell_cut_short
from .budget_speeds import Place
from .plan_jobs import Plan, jobs_of, make_room, record_of, refit_jobs_of, with_decodings
from .pseudo_labels import learning_from, pseudo_words, read_confidence, write_labels
from .tensorboard import require_tensorboard


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
    runtime: str | None = None,
    cache_limit: str | int | None = None,
    time_budget: str | float | None = None,
    pseudo_labels: str | None = None,
    confidence: float | None = None,
    refit: bool = False,
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
    if checkpoint_minutes is not None and checkpoint_minutes <= 0:
        raise BadChoice(f"--checkpoint-minutes must be more than 0. Received: {checkpoint_minutes}")
    chosen_runtime, limit = read_runtime(runtime), read_cache_limit(cache_limit)
    if tensorboard:
        require_tensorboard()
    confidence = read_confidence(pseudo_labels, confidence, time_budget)
    if refit and (pseudo_labels or time_budget):
        raise BadChoice("--refit goes neither with --pseudo-labels nor with --time-budget: leave one of them out.")
    configuration = configure(options, preset, config)
    backbones = named_backbones(configuration, members)
    names = member_names(members, name, configuration.backbones)
    folder, tables = open_competition(competition, workspace, progress)
    tiny = all(backbone.tiny for backbone in backbones)
    # To look for GPUs takes longer than to train such networks.
    here = PLAIN if tiny else this_machine()
    settled = [configuration.settings(here.machine, member) for member in members]
    general = configuration.in_force(here.machine).options
    _say(configuration, members, [settings for settings, _ in settled], here, progress)
    gpus = () if general["data_parallel"] else here.gpus
    parallel = os.cpu_count() or 1 if tiny else 1
    with contextlib.ExitStack() as ours:
        for own_name in names:
            ours.enter_context(held(folder.member_lock(own_name), f"{own_name} of {folder.name}"))
        labeller = find_labeller(folder, tables, pseudo_labels, confidence, names) if pseudo_labels else None
        budgeted = Budgeted(settled, folds)
        if budget:
            choices = folds_to_choose(folder, tables, folds, repeats, general["seed"])
            ways = [_ways(configuration, here, member) for member in members]
            asked = Asked(names, ways, [backbone.tiny for backbone in backbones], choices, restart)
            place = Place(folder, len(gpus) or parallel, gpus, general["data_parallel"])
            budgeted = within_budget(budget, asked, place, tables, progress)
        shared = shared_folds(folder, tables, budgeted.folds, repeats, general["seed"])
        plans = [
            Plan(
                record=record_of(folder, tables, own_name, learning_from(labeller, settings), shared),
                weights=source,
                data_parallel=general["data_parallel"],
                tiny=backbone.tiny,
                checkpoint_minutes=checkpoint_minutes,
                tensorboard=tensorboard,
                runtime=chosen_runtime,
                cache_limit=limit,
                work=_work(settings, backbone, budgeted.share, tables, shared),
                share=budgeted.share,
                allotments=budgeted.allotments.get(own_name, {}),
            )
            for own_name, backbone, (settings, source) in zip(names, backbones, budgeted.settled, strict=True)
        ]
        for member, plan in zip(members, plans, strict=True):
            make_room(folder, plan.record, restart=restart)
            words = call_words(member, name, preset, config, configuration.command, time_budget)
            save_call(folder, plan.record.name, [*words, *pseudo_words(labeller)])
            if labeller:
                write_labels(folder, plan.record, labeller, progress)
            if not budget:
                tell_cut_short(folder, plan.record, progress)
        plans = with_decodings(folder, plans, tables, shared)
        jobs = [job for plan in plans for job in jobs_of(folder, plan)]
        if not (gpus or budget or tiny or here.machine.gpus):
            settle_onednn(sum(job.work for job in jobs), folder.logs, progress)
        run_jobs(jobs, folder.logs, progress, parallel=parallel, gpus=gpus)
        if refit:
            again = [job for plan in plans for job in refit_jobs_of(folder, plan)]
            run_jobs(again, folder.logs, progress, parallel=parallel, gpus=gpus)
    return member_results(folder, tables, load_members(folder, tables, names), shared)


def _ways(configuration: Configuration, here: ThisMachine, member: str) -> list[Settled]:
    """Return ways to train a member: as it was asked for, then ever smaller."""
    return ways_to_train(configuration.backbone(member), configuration.in_force(here.machine, member).options)


def _work(settings: MemberSettings, backbone: Backbone, share: float, tables: Tables, folds: Folds) -> float:
    """Tell the work of one fold, or of a frozen member."""
    planned = shortened(settings, share)
    return job_work(planned, backbone, len(tables.train), folds.typical, len(tables.test_paths), 1)


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


def member_results(
    folder: CompetitionFolder, tables: Tables, members: Sequence[MemberPredictions], folds: Folds
) -> list[MemberResult]:
    """Score members out of fold; the figures are kept beside them."""
    return [_member_result(folder, tables, member, folds) for member in members]


def _member_result(folder: CompetitionFolder, tables: Tables, member: MemberPredictions, folds: Folds) -> MemberResult:
    figures = judge_out_of_fold(tables, member.out_of_fold, folds.scored)
    save_figures(folder, member.record, tables.manifest.metric, figures)
    return MemberResult(
        name=member.name,
        fold_log_losses=member.fold_scores,
        seconds=member.seconds,
        folder=folder.member(member.name),
        **vars(figures),
    )
