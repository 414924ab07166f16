"""Stack members: score honestly, build the one-file ensemble, write the CSV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..competition.folds.file import load_folds
from ..competition.folds.folds import Folds
from ..competition.metrics.metrics import METRICS
from ..competition.metrics.scoring import judge_out_of_fold
from ..competition.tables import Tables
from ..engines.job import Job
from ..engines.local import run_jobs, started_ahead
from ..engines.worker_processes import WorkerProcesses
from ..errors import BadChoice
from ..members.predictions import MemberPredictions, load_members, refit_predictions
from ..members.records import MemberRecord, trained_members
from ..members.speed import load_speed
from ..options.durations import read_duration
from ..options.kinds import checked
from ..paths import HERE, CompetitionFolder, Workspace, checked_name
from ..progress import SILENT, Progress
from ..stacking.evaluation import evaluate_stack
from ..stacking.fitting import Learned, Wish, learn
from ..stacking.learners.named import DEFAULT, META_LEARNERS, TOURNAMENT, UNFITTED
from ..stacking.log_odds import log_odds
from ..stacking.records import save_blend, save_stack_figures, save_stack_predictions, stack_name
from ..stacking.validation import require_classes
from ..storage import file_digest
from ..submission.answer import write_answer
from ..submission.ledger.ledger import Ledger
from ..submission.ledger.rows import Answer, MemberUsed
from .competition import open_competition
from .fetch.answers import metric_is_kaggles
from .member_scores import member_results
from .results import StackResult, stack_fields

# The job that builds the file, as a person and its log call it, and its function.
_JOB, _BUILD = "stack", "ensembler.stacking.jobs.keras_stack:build_stack_file"


def stack(
    members: Sequence[str] | None = None,
    *,
    name: str | None = None,
    competition: str | None = None,
    meta: str = DEFAULT,
    top: int | None = None,
    infer_limit: str | float | None = None,
    refit: bool = False,
    seed: int = 0,
    workspace: Workspace = HERE,
    progress: Progress = SILENT,
) -> StackResult:
    """Stack trained members under a meta-learner, calibrate it, and write the submission.

    The score is that of nested folds: each row is predicted by a meta-learner that was fitted on the other folds'
    out-of-fold predictions, where settings, members, temperature and clip were chosen too. The competition's metric is
    what is scored by, and what settings are chosen by; log loss is what a meta-learner and its calibration minimise.
    The submission and ``stack.keras`` use one that is fitted on all rows.

    Parameters
    ----------
    members
        Names of trained members; None is all that are finished. A single one is calibrated alone.
    name
        Of the stack; None names it after its members.
    competition
        Its name; None is the one last brought in.
    meta
        ``dense``, ``logistic``, ``logistic-nonneg``, ``greedy``, ``mean`` or ``logit-mean``; ``auto`` takes the
        simplest that is within one standard error of the best.
    top
        The best so many of the members are stacked.
    infer_limit
        The best members are stacked that predict a photo together within this time, such as ``20ms``, or seconds.
    refit
        Predict, and build ``stack.keras``, by the one network of each member that learned from all photos, see
        :func:`ensembler.train_members`: several times smaller and faster. Nothing was held out from these, so the score
        is that of the folds' networks, and an estimate of theirs.
    seed
        Of the meta-learner.

    Raises
    ------
    BadChoice, Mismatch
        If a member is unknown, unfinished, or does not belong to these photos and folds; if there is no such
        meta-learner, or no member keeps within the limit.
    BadData
        If all photos of a class lie in one fold.
    """
    if meta not in (*META_LEARNERS, TOURNAMENT):
        raise BadChoice.unknown("meta-learner", meta, [*META_LEARNERS, TOURNAMENT])
    folder, tables = open_competition(competition, workspace, progress)
    offered = load_members(folder, tables, list(members) if members else _finished(folder, progress))
    if len(offered) == 1:
        progress.note(f"{offered[0].name} is the only member, so it is calibrated alone: a stack takes two or more.")
    out_of_fold = [member.out_of_fold for member in offered]
    wish = _wish(folder, offered, meta, top, infer_limit, seed)
    folds = load_folds(folder, tables)
    _look_at_classes(tables, folds, meta, progress)
    # Libraries are loaded for the file while the meta-learner learns.
    with started_ahead(_BUILD, _JOB, folder.logs) as processes:
        learned = learn(wish, tables, folds, out_of_fold, progress)
        evaluation = evaluate_stack(learned, wish, tables, folds, out_of_fold, progress)
        used = [offered[one] for one in learned.members]
        title = checked_name(name or stack_name([member.name for member in used], refit=refit), "stack")
        test = [refit_predictions(folder, tables, one.record) if refit else one.test for one in used]
        answer = _keep(folder, tables, folds, test, learned, title)
        built = _build(folder, title, used, processes, progress, refit=refit)
    csv = write_answer(workspace.submissions / folder.name, title, tables, answer)
    result = StackResult(
        name=title,
        asked=meta,
        meta=learned.name,
        refit=refit,
        temperature=learned.learner.blend_.temperature,
        clip=learned.learner.blend_.clip,
        mean=judge_out_of_fold(tables, np.mean([one.out_of_fold for one in used], axis=0), folds.scored),
        members=tuple(member_results(folder, tables, used, folds)),
        left_out=tuple(one.name for number, one in enumerate(offered) if number not in learned.members),
        best=offered[evaluation.best].name,
        evaluation=evaluation,
        submission=csv.absolute(),
        model=folder.stack(title) / "stack.keras",
        difference=float(built["difference"]),
        **vars(judge_out_of_fold(tables, learned.nested.calibrated, folds.scored)),
    )
    save_stack_figures(folder, title, _figures(result, used))
    _remember(folder, tables, used, result, workspace)
    return result


def _build(
    folder: CompetitionFolder,
    title: str,
    used: Sequence[MemberPredictions],
    processes: WorkerProcesses,
    progress: Progress,
    *,
    refit: bool,
) -> dict[str, Any]:
    """Build ``stack.keras`` in a process that was started ahead."""
    members = [member.name for member in used]
    spec = {"competition": str(folder.root), "stack": title, "members": members, "refit": refit}
    [built] = run_jobs([Job(_JOB, _BUILD, spec)], folder.logs, progress, processes=processes)
    return cast(dict[str, Any], built)


def _wish(
    folder: CompetitionFolder,
    members: Sequence[MemberPredictions],
    meta: str,
    top: int | None,
    infer_limit: str | float | None,
    seed: int,
) -> Wish:
    """Read what is asked of the meta-learner and of its members."""
    if top is not None and not 1 <= top <= len(members):
        raise BadChoice(f"--top takes a number from 1 to {len(members)}, the members there are. Received: {top}")
    if infer_limit is None:
        return Wish(meta, seed, top)
    limit = checked("--infer-limit", read_duration, infer_limit)
    speeds = {one.name: load_speed(folder, one.name, one.record.fingerprint) for one in members}
    if unknown := [name for name, speed in speeds.items() if speed is None]:
        raise BadChoice(
            f"How long {', '.join(unknown)} takes for a photo was not measured: leave it out by --members, or train it "
            "anew with --restart."
        )
    costs = tuple(speed.milliseconds_per_photo / 1000 for speed in speeds.values() if speed)
    if min(costs) > limit:
        raise BadChoice(
            f"No member predicts a photo within --infer-limit {infer_limit}: the fastest takes "
            f"{1000 * min(costs):.3g} ms."
        )
    if top is not None and sum(sorted(costs)[:top]) > limit:
        raise BadChoice(
            f"No {top} members predict a photo within --infer-limit {infer_limit}: the fastest take "
            f"{1000 * sum(sorted(costs)[:top]):.3g} ms."
        )
    return Wish(meta, seed, top, costs, limit)


def _look_at_classes(tables: Tables, folds: Folds, meta: str, progress: Progress) -> None:
    if meta in UNFITTED:
        return
    manifest = tables.manifest
    absent = require_classes(
        tables.targets[folds.scored], folds.nested_folds(), manifest.outputs, exclusive=manifest.task != "multilabel"
    )
    if absent:
        progress.warn(f"Absent from a fold, where nothing can be told of it: {', '.join(absent)}.")


def _finished(folder: CompetitionFolder, progress: Progress) -> list[str]:
    """Members of which all folds are trained, on the folds there are now; the others are told."""
    records = [MemberRecord.load(folder, name) for name in trained_members(folder)]
    now = file_digest(folder.folds) if folder.folds.is_file() else ""
    for record in records:
        if record.folds != now:
            progress.warn(f"{record.name} is left out: it was trained on other folds; --restart trains it on these.")
    records = [record for record in records if record.folds == now]
    for record in records:
        if missing := record.unfinished(folder):
            progress.warn(f"{record.name} is left out: {len(missing)} of {record.folds_count} folds are not trained.")
    names = [record.name for record in records if not record.unfinished(folder)]
    if not names:
        raise BadChoice(
            f"No member of {folder.name} is trained yet: begin with `ensembler train-members --members ...`."
        )
    return names


def _keep(
    folder: CompetitionFolder,
    tables: Tables,
    folds: Folds,
    members: Sequence[NDArray[np.float32]],
    learned: Learned,
    title: str,
) -> NDArray[np.float32]:
    """Store the meta-learner and its predictions; return those of the test photos, which ``members`` predicted."""
    test = learned.learner.predict_proba(log_odds(members, exclusive=tables.manifest.sums_to_one))
    save_blend(folder, title, learned.learner.blend_)
    save_stack_predictions(folder, title, tables, folds.scored, learned.nested.calibrated, test)
    return test


def _remember(
    folder: CompetitionFolder,
    tables: Tables,
    members: Sequence[MemberPredictions],
    result: StackResult,
    workspace: Workspace,
) -> None:
    """Write the CSV into the ledger, with our own score of it."""
    answer = Answer(
        competition=folder.name,
        path=result.submission,
        sha256=file_digest(result.submission),
        total_bytes=result.submission.stat().st_size,
        slug="" if folder.is_ours else tables.manifest.slug,
        stack=result.name,
        members=tuple(MemberUsed(member.name, member.record.fingerprint) for member in members),
        folds=members[0].record.folds,
        samples=members[0].record.samples,
        metric=result.metric,
        larger_is_better=METRICS[result.metric].larger_is_better if metric_is_kaggles(folder) else None,
        own=result.score,
        own_error=result.standard_error,
        own_log_loss=result.log_loss,
    )
    Ledger(workspace.submissions).record(answer)


def _figures(result: StackResult, members: Sequence[MemberPredictions]) -> dict[str, Any]:
    fields = stack_fields(result)
    fingerprints = [{"fingerprint": member.record.fingerprint} for member in members]
    return {
        **fields,
        "members": [one | more for one, more in zip(fields["members"], fingerprints, strict=True)],
        "folds": members[0].record.folds,
        "samples": members[0].record.samples,
        "sha256": file_digest(result.submission),
        "difference": result.difference,
    }
