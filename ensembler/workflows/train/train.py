"""Trains members: resolves settings, runs a process for each job, and scores the members."""

from __future__ import annotations

import contextlib
from typing import Unpack, cast

from ...competition.folds.file import load_or_make_folds
from ...locks import hold_lock
from ...members.budget.planning import BudgetPlan
from ...members.predictions import load_members
from ...members.pseudo_labels.labeller import find_labeller
from ...members.records import list_trained_members
from ...options.arguments import Names, check_arguments
from ...options.command_line import build_call, save_call
from ...options.configuration import configure
from ...options.declared import EngineOptions, RunOptions, TrainingOptions, TrainMembersOptions
from ...options.reading import ENGINE, OPTIONS, RUN, read_options, show_options
from ...paths import DEFAULT_WORKSPACE, CompetitionLike, Workspace, WorkspaceLike
from ...progress import SILENT, Progress
from ...tables import Listing
from ...tracking.tracker import check_tracking, open_tracking
from ..engine import open_engine
from ..fetch.tables import open_refreshed_competition
from ..member_scores import score_members
from ..results import MemberResult
from .budget import list_possible_folds, plan_within_budget, read_budget, report_cut_short
from .corrections import read_call_corrections
from .distillation import check_teacher_options, read_teacher, teach_members
from .expected_seconds import add_expected_seconds
from .orientation import fit_to_task
from .plan_jobs import add_decodings, build_jobs, build_refit_jobs, prepare_member_folder, read_job_options
from .plan_shards import shard_features
from .pseudo_labels import read_confidence, write_labels
from .reporting import report_members, report_scores
from .training_call import TrainingCall


@show_options(RUN, ENGINE, OPTIONS)
@check_arguments
def train_members(
    members: Names,
    *,
    competition: CompetitionLike | None = None,
    workspace: WorkspaceLike = DEFAULT_WORKSPACE,
    progress: Progress = SILENT,
    **options: Unpack[TrainMembersOptions],
) -> Listing[MemberResult]:
    """Train backbones over all folds. Finished folds are not trained again.

    Parameters
    ----------
    members
        Names of backbones (see :func:`ensembler.list_backbones`) or of custom ones. ``b0@strong`` is another member
        with the backbone b0 and the label ``strong``.
    competition
        Name of the competition. None uses the one last fetched or adopted.
    workspace
        Folders of competitions and submissions.
    progress
        Receives progress and events.
    **options
        Options of the call (:class:`ensembler.RunOptions`), of the engine (:class:`ensembler.EngineOptions`) and of the
        training (:class:`ensembler.TrainingOptions`). They override those of the file ``config``, which override those
        of the preset. Several calls can share them: ``strong = TrainingOptions(augmentation="strong", ema=0.99)``,
        ``train_members(["b0@strong"], **strong)``.

    Returns
    -------
    Listing of MemberResult
        Results in the order of ``members``.

    Raises
    ------
    BadChoice, Mismatch
        If a name, number or folder is invalid, TensorBoard is not installed, a member exists with other settings, a
        time budget is too short, or a stack cannot give pseudo-labels or be a teacher.
    Busy
        If another process is training one of these members.
    JobFailed
        If the process of a job died. The other jobs still ran.
    Interrupted
        After Ctrl-C, once the current step is saved. The same call resumes the training.

    Examples
    --------
    >>> members = ensembler.train_members(
    ...     ["demo-dense", "demo-conv"], competition="pets", weights="none", unfreeze="all", epochs=2
    ... )
    >>> [member.name for member in members]
    ['demo-dense', 'demo-conv']
    """
    given = read_options(options, known=RUN | ENGINE | OPTIONS)
    run = cast(RunOptions, given)
    budget = read_budget(run.get("time_budget"))
    job_options = read_job_options(run)
    confidence = read_confidence(run)
    check_teacher_options(run)
    check_tracking(track := run.get("track"))
    folds, repeats, restart = run.get("folds"), run.get("repeats"), run.get("restart", False)
    training = cast(TrainingOptions, {name: value for name, value in given.items() if name in OPTIONS})
    configuration = configure(training, run.get("preset"), run.get("config"))
    with open_engine(cast(EngineOptions, given), progress) as engine, contextlib.ExitStack() as held:
        call = TrainingCall.read(members, run.get("name"), configuration, engine)
        if options.get("weights", "") is None:
            # Keras means random weights by it.
            progress.note(
                f"None leaves --weights as it is, which is {call.options['weights']}; `--weights none` is random "
                "weights."
            )
        place = Workspace.read(workspace)
        if restart or not set(call.names) <= set(list_trained_members(place.current(competition))):
            held.enter_context(call.start_ahead(place.current(competition).logs))
        folder, tables = open_refreshed_competition(competition, place, progress)
        call = read_call_corrections(fit_to_task(call, tables, run, progress), folder, tables, progress)
        call.report_surprises(progress)
        for name in call.names:
            held.enter_context(hold_lock(folder.member_lock(name), f"{name} of {folder.name}"))
        stack = run.get("pseudo_labels")
        labeller = find_labeller(folder, tables, stack, confidence, call.learners) if stack else None
        teacher = read_teacher(run, folder, tables, call.learners)
        supervisor = labeller or teacher
        plan = BudgetPlan(call.settings_and_weights, folds)
        if budget:
            choices = list_possible_folds(folder, tables, folds, repeats, call.options["seed"])
            plan = plan_within_budget(budget, call, folder, tables, choices, progress, restart=restart)
        shared = load_or_make_folds(folder, tables, plan.folds, repeats, call.options["seed"])
        plans = call.plan_members(folder, tables, shared, plan, supervisor, job_options)
        progress = held.enter_context(open_tracking(track, folder, progress))
        for member, member_plan in zip(call.members, plans, strict=True):
            prepare_member_folder(folder, member_plan.record, member_plan.corrections, restart=restart)
            words = build_call(member, run, configuration.command)
            save_call(folder, member_plan.record.name, [*words, *(supervisor.words if supervisor else [])])
            if labeller:
                write_labels(folder, member_plan.record, labeller, progress)
            if not budget:
                report_cut_short(folder, member_plan.record, progress)
        report_members(folder, plans, progress, restart=restart)
        refit = run.get("refit", False)
        if teacher:
            records = [each.record for each in plans]
            teach_members(engine, folder, shared, records, teacher, call.needs, progress, refit=refit)
        plans = list(add_expected_seconds(call, folder, tables, shared, plans))
        plans = add_decodings(folder, plans, tables, shared)
        for build in (build_jobs, build_refit_jobs) if refit else (build_jobs,):
            jobs = [build(folder, each) for each in plans]
            photos, on_gpu = len(tables.train) + len(tables.test_paths), bool(call.machine.gpus)
            sharded = shard_features(folder, plans, jobs, photos, call.slots, progress, on_gpu=on_gpu)
            call.engine.run_jobs(sharded, folder.logs, progress)
        results = score_members(folder, tables, load_members(folder, tables, call.names), shared)
        report_scores(results, progress)
        return results
