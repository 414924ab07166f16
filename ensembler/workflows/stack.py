"""Stacks members: fits and scores the meta-learner, builds ``stack.keras``, and writes the CSV."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Unpack, cast

import numpy as np
from numpy.typing import NDArray

from ..competition.corrections.corrections import CorrectedData
from ..competition.folds.file import load_folds
from ..competition.folds.folds import Folds
from ..competition.metrics.metrics import METRICS
from ..competition.metrics.scoring import compute_out_of_fold_scores
from ..competition.tables import Tables
from ..engines.engine import Engine
from ..engines.job import Job
from ..errors import BadChoice
from ..events import StackPlanned, StackScored
from ..heads.links import compute_log_odds
from ..members.corrected_data import correct_stack_data, summarize_corrections
from ..members.predictions import MemberPredictions, load_members, load_refit_predictions, require_refit
from ..members.records import MemberRecord, has_finished_fold, list_trained_members
from ..members.stack_record import MemberUsed
from ..options.arguments import Count, Names, PhotoTime, check_arguments
from ..options.declared import EngineOptions, Track
from ..options.durations import read_photo_time
from ..options.kinds import Seed, read_value
from ..options.reading import ENGINE, read_options, show_options
from ..paths import (
    DEFAULT_WORKSPACE,
    CompetitionFolder,
    CompetitionLike,
    PathLike,
    Workspace,
    WorkspaceLike,
    check_name,
)
from ..progress import SILENT, Progress, run_meanwhile
from ..serialization import compute_fingerprint, write_json
from ..stacking.evaluation import evaluate_stack
from ..stacking.fitting import FittedStack, StackConfig, fit_stack
from ..stacking.job_files import list_stack_files
from ..stacking.learners.named import DEFAULT_META_LEARNER, META_LEARNERS, TOURNAMENT, UNFITTED
from ..stacking.records import name_stack, save_blend, save_stack_corrections, save_stack_predictions
from ..stacking.validation import require_classes
from ..storage import compute_file_digest
from ..submission.answer import write_answer
from ..submission.ledger.ledger import Ledger
from ..submission.ledger.rows import Answer
from ..tracking.tracker import check_tracking, open_tracking
from ..versions import read_versions
from .competition import open_competition
from .engine import open_engine
from .fetch.answers import has_kaggle_metric
from .member_scores import compute_corrected_scores, score_members
from .members.measuring import find_photo_seconds
from .plots import read_plot_path, save_stack_plot
from .results import StackResult, collect_figures

# Name of the job that builds the file, in messages and in its log, and its function.
_JOB_NAME, _JOB_FUNCTION = "stack", "ensembler.stacking.jobs.keras_stack:build_stack_file"


@show_options(ENGINE)
@check_arguments
def stack(
    members: Names | None = None,
    *,
    name: str | None = None,
    competition: CompetitionLike | None = None,
    meta: str = DEFAULT_META_LEARNER,
    top: Count | None = None,
    infer_limit: PhotoTime | None = None,
    refit: bool = False,
    seed: Seed = 0,
    track: Track | None = None,
    plot: PathLike | None = None,
    workspace: WorkspaceLike = DEFAULT_WORKSPACE,
    progress: Progress = SILENT,
    **options: Unpack[EngineOptions],
) -> StackResult:
    """Stack trained members with a meta-learner, calibrate it, and write the submission.

    The score is that of nested folds: each row is predicted by a meta-learner that was fitted on the out-of-fold
    predictions of the other folds. Settings, members, temperature and clip are chosen on those folds too. The
    competition's metric scores the stack and chooses settings; the meta-learner and its calibration minimise log loss.
    The submission and ``stack.keras`` use a meta-learner that is fitted on all rows.

    Parameters
    ----------
    members
        Names of trained members. None uses all finished ones. A single member is calibrated alone.
    name
        Name of the stack. None names it after its members.
    competition
        Name of the competition. None uses the one last fetched or adopted.
    meta
        ``dense``, ``logistic``, ``logistic-nonneg``, ``greedy``, ``mean``, ``logit-mean``, or ``auto``, which chooses
        the simplest of them within one standard error of the best.
    top
        Number of members to choose. None stacks all.
    infer_limit
        Time in which the chosen members together predict a photo, such as ``20ms``, or seconds. Members whose time is
        not known are measured. None sets no limit.
    refit
        Whether to use the network of each member that learned from all photos (see :func:`ensembler.train_members`)
        instead of those of the folds. ``stack.keras`` is then several times smaller and faster. The score is still that
        of the folds' networks, so it is an estimate.
    seed
        Seed of the meta-learner.
    track
        ``mlflow`` tracks the stack as a run in MLflow; see docs/tracking.md. None tracks nothing.
    plot
        File ending with .png, .svg or .pdf for charts of scores, of what each member adds, of correlations and of
        reliability. None draws none.
    **options
        Options of the engine that builds ``stack.keras`` (:class:`ensembler.EngineOptions`).

    Raises
    ------
    BadChoice, Mismatch
        If a member is unknown or unfinished, or was trained on other photos or folds; if the meta-learner is unknown;
        or if no member is within the limit.
    BadData
        If all photos of a class are in one fold.

    Examples
    --------
    >>> result = ensembler.stack(["demo-dense", "demo-conv"], name="both", competition="pets")
    >>> result.metric, len(result.members), result.meta
    ('log loss', 2, 'dense')
    """
    if meta not in (*META_LEARNERS, TOURNAMENT):
        raise BadChoice.from_unknown_name("meta-learner", meta, [*META_LEARNERS, TOURNAMENT])
    if name is not None:
        check_name(name, "stack")
    check_tracking(track)
    picture = read_plot_path(plot)
    engine_options = cast(EngineOptions, read_options(options, known=ENGINE))
    folder, tables = open_competition(competition, Workspace.read(workspace))
    if list_trained_members(folder):
        # First, because members seem to have been trained on other folds if the file is damaged.
        load_folds(folder, tables)
    candidates = _load_candidates(folder, tables, members, progress)
    out_of_fold = [member.out_of_fold for member in candidates]
    config = _read_config(folder, candidates, meta, top, infer_limit, seed, progress)
    if refit and not config.chooses_members:
        # Otherwise it is known only later which members the stack uses.
        for member in candidates:
            require_refit(folder, member.record)
    records = [one.record for one in candidates]
    corrected = correct_stack_data(folder, tables, load_folds(folder, tables), records, progress)
    folds = corrected.folds
    _check_classes(corrected, meta, progress)
    with open_tracking(track, folder, progress) as progress:
        progress.emit(_describe_plan(folder, name, config, candidates, refit=refit))
        # A process imports TensorFlow for the file while the meta-learner is fitted.
        with (
            open_engine(engine_options, progress) as engine,
            engine.start_ahead(_JOB_FUNCTION, _JOB_NAME, folder.logs),
        ):
            fitted = fit_stack(config, corrected.tables, folds, out_of_fold, progress)
            used = [candidates[one] for one in fitted.members]
            title = name or check_name(name_stack([member.name for member in used], refit=refit), "stack")
            test = [load_refit_predictions(folder, tables, one.record) if refit else one.test for one in used]
            answer = _save_fitted_stack(folder, tables, folds, test, fitted, title)
            # A thread compares while the job builds. The engine needs this thread, which receives Ctrl-C.
            # The job of the engine needs this thread, which receives Ctrl-C.
            compare = partial(evaluate_stack, fitted, config, tables, corrected, out_of_fold)
            with run_meanwhile(compare, progress) as compared:
                job_result = _build(folder, title, used, engine, progress, refit=refit)
                evaluation = compared.result()
            save_stack_corrections(folder, title, corrected.corrections)
        csv = write_answer(folder.submissions, title, corrected.kept_tables, answer)
        result = StackResult(
            name=title,
            asked=meta,
            meta=fitted.name,
            refit=refit,
            seed=config.seed,
            top=config.size,
            infer_limit=config.limit,
            temperature=fitted.learner.blend_.temperature,
            clip=fitted.learner.blend_.clip,
            mean=compute_out_of_fold_scores(tables, np.mean([one.out_of_fold for one in used], axis=0), folds.scored),
            members=tuple(score_members(folder, tables, used, folds, corrected)),
            left_out=tuple(one.name for number, one in enumerate(candidates) if number not in fitted.members),
            best=candidates[evaluation.best_member].name,
            evaluation=evaluation,
            submission=csv.absolute(),
            model=folder.stack(title) / "stack.keras",
            difference=float(job_result["difference"]),
            corrected=compute_corrected_scores(corrected, fitted.nested.calibrated),
            corrections=summarize_corrections(corrected.corrections),
            **vars(compute_out_of_fold_scores(tables, fitted.nested.calibrated, folds.scored)),
        )
        # Written last, because a folder without it is an unfinished stack.
        write_json(folder.stack(title) / "stack.json", _build_summary(result, used))
        _record_answer(folder, tables, used, result)
        progress.emit(_describe_scores(result))
    if picture:
        save_stack_plot(result, picture, progress)
    return result


def _describe_plan(
    folder: CompetitionFolder,
    name: str | None,
    config: StackConfig,
    candidates: Sequence[MemberPredictions],
    *,
    refit: bool,
) -> StackPlanned:
    """Return the event of a stack that will be fitted."""
    members = {one.name: one.record.fingerprint for one in candidates}
    settings = {
        "meta": config.meta,
        "seed": config.seed,
        "top": config.size,
        "infer_limit_seconds": config.limit,
        "refit": refit,
    }
    first = candidates[0].record
    hashes = {"samples": first.samples, "folds": first.folds}
    fingerprint = compute_fingerprint([name, settings, members])
    return StackPlanned(
        name or name_stack(list(members), refit=refit), folder.name, fingerprint, settings, members, hashes
    )


def _describe_scores(result: StackResult) -> StackScored:
    """Return the event of a finished stack."""
    chosen = {"meta": result.meta, "members": [member.name for member in result.members], "clip": result.clip}
    evaluation = result.evaluation
    scores = {
        **collect_figures(result),
        "interval_low": evaluation.interval.low,
        "interval_high": evaluation.interval.high,
        "temperature": result.temperature,
        "calibration_error_before": evaluation.before_calibration.calibration_error,
        "calibration_error_after": evaluation.after_calibration.calibration_error,
    }
    return StackScored(result.name, result.metric, chosen, scores)


def _load_candidates(
    folder: CompetitionFolder, tables: Tables, members: Sequence[str] | None, progress: Progress
) -> list[MemberPredictions]:
    """Load the predictions of the named members, or of all finished ones."""
    candidates = load_members(folder, tables, members or _list_finished_members(folder, progress))
    if len(candidates) == 1:
        progress.note(f"{candidates[0].name} is the only member, so it is calibrated alone: a stack needs two or more.")
    return candidates


def _build(
    folder: CompetitionFolder,
    title: str,
    used: Sequence[MemberPredictions],
    engine: Engine,
    progress: Progress,
    *,
    refit: bool,
) -> dict[str, Any]:
    members = [member.name for member in used]
    spec = {"competition": str(folder.root), "stack": title, "members": members, "refit": refit}
    files = partial(list_stack_files, folder, title, members, refit=refit)
    job = Job(_JOB_NAME, _JOB_FUNCTION, spec, files=files)
    [built] = engine.run_jobs([job], folder.logs, progress)
    return cast(dict[str, Any], built)


def _read_config(
    folder: CompetitionFolder,
    members: Sequence[MemberPredictions],
    meta: str,
    top: int | None,
    infer_limit: str | float | None,
    seed: int,
    progress: Progress,
) -> StackConfig:
    if top is not None and not 1 <= top <= len(members):
        raise BadChoice(f"--top must be from 1 to {len(members)}, the number of members. Received: {top}")
    if infer_limit is None:
        return StackConfig(meta, seed, top)
    limit = read_value("--infer-limit", read_photo_time, infer_limit)
    costs = find_photo_seconds(folder, [one.record for one in members], progress)
    count = top or 1
    if (fastest := sum(sorted(costs)[:count])) > limit:
        subject, verb = ("No member predicts", "takes") if count == 1 else (f"No {count} members predict", "take")
        raise BadChoice(
            f"{subject} a photo within `--infer-limit {infer_limit}`: the fastest {verb} {1000 * fastest:.3g} ms."
        )
    return StackConfig(meta, seed, top, costs, limit)


def _check_classes(corrected: CorrectedData, meta: str, progress: Progress) -> None:
    if meta in UNFITTED:
        return
    tables, folds = corrected.tables, corrected.folds
    learned = folds.kept[folds.scored]
    single_label, nested = tables.manifest.task != "multilabel", folds.make_nested_folds()[learned]
    targets, classes = tables.targets[folds.scored][learned], tables.manifest.classes
    if absent := require_classes(targets, nested, classes, single_label=single_label):
        progress.warn(f"Classes without photos in one of the folds are not scored there: {', '.join(absent)}.")


def _list_finished_members(folder: CompetitionFolder, progress: Progress) -> list[str]:
    """Return the members that are finished on the current folds, and warn of the others."""
    names, left_out = [], False
    current_folds = compute_file_digest(folder.folds) if folder.folds.is_file() else ""
    for name in list_trained_members(folder):
        if not has_finished_fold(folder, name):
            # The status names members that have only begun.
            continue
        record = MemberRecord.load(folder, name)
        if record.folds != current_folds:
            left_out = True
            progress.warn(f"{name} is left out: it was trained on other folds. Train it again with --restart.")
        elif missing := record.list_unfinished_folds(folder):
            left_out = True
            progress.warn(f"{name} is left out: {len(missing)} of {record.folds_count} folds are not trained.")
        else:
            names.append(name)
    if not names and left_out:
        raise BadChoice(
            f"No member of {folder.name} can be stacked, because none is finished on the present folds: see "
            "`ensembler members`."
        )
    if not names:
        raise BadChoice(
            f"No member of {folder.name} is trained yet: begin with `ensembler train-members --members ...`."
        )
    return names


def _save_fitted_stack(
    folder: CompetitionFolder,
    tables: Tables,
    folds: Folds,
    members: Sequence[NDArray[np.float32]],
    fitted: FittedStack,
    title: str,
) -> NDArray[np.float32]:
    """Store the meta-learner and its predictions, and return those of the test photos.

    Parameters
    ----------
    members
        Probabilities of the test photos by each member.
    """
    X = compute_log_odds(members, multiclass=tables.manifest.sums_to_one)
    # The targets of a binary task have only the second class.
    test = fitted.learner.predict_proba(X)[:, -len(tables.manifest.outputs) :]
    save_blend(folder, title, fitted.learner.blend_)
    save_stack_predictions(folder, title, tables, folds.scored, fitted.nested.calibrated, test)
    return test


def _record_answer(
    folder: CompetitionFolder,
    tables: Tables,
    members: Sequence[MemberPredictions],
    result: StackResult,
) -> None:
    """Record the CSV in the ledger, with its out-of-fold score."""
    answer = Answer(
        competition=folder.name,
        path=result.submission,
        sha256=compute_file_digest(result.submission),
        total_bytes=result.submission.stat().st_size,
        slug="" if folder.is_ours else tables.manifest.slug,
        stack=result.name,
        members=tuple(MemberUsed(member.name, member.record.fingerprint) for member in members),
        folds=members[0].record.folds,
        samples=members[0].record.samples,
        metric=result.metric,
        larger_is_better=METRICS[result.metric].larger_is_better if has_kaggle_metric(folder) else None,
        own=result.score,
        own_error=result.standard_error,
        own_log_loss=result.log_loss,
        own_corrected=result.corrected.score if result.corrected else None,
    )
    Ledger(folder.workspace.submissions).record(answer)


def _build_summary(result: StackResult, members: Sequence[MemberPredictions]) -> dict[str, Any]:
    fields, first = result.to_json(), members[0].record
    for member, summary in zip(members, fields["members"], strict=True):
        summary["fingerprint"] = member.record.fingerprint
    return {
        **fields,
        "folds": first.folds,
        "samples": first.samples,
        "sha256": compute_file_digest(result.submission),
        "versions": read_versions(),
    }
