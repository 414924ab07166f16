"""Stack members: score honestly, build the one-file ensemble, write the CSV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..competition.folds.file import load_folds
from ..competition.folds.folds import Folds
from ..competition.metrics.metrics import METRICS
from ..competition.metrics.scoring import cost_by, judge_out_of_fold
from ..competition.tables import Tables
from ..engines.job import Job
from ..engines.local import run_jobs
from ..errors import BadChoice
from ..members.records import MemberRecord, trained_members
from ..progress import SILENT, Progress
from ..stacking.inputs import MemberPredictions, load_members
from ..stacking.meta_learner import DenseMetaLearner, log_odds, nested_predictions
from ..stacking.records import save_meta_learner, save_stack_figures, save_stack_predictions, stack_name
from ..storage import HERE, CompetitionFolder, Workspace, checked_name, file_digest
from ..submission.answer import write_answer
from ..submission.ledger.ledger import Ledger
from ..submission.ledger.rows import Answer, MemberUsed
from .answers import metric_is_kaggles
from .competitions import open_competition
from .results import StackResult
from .score_text import score_fields
from .training import member_results


def stack(
    members: Sequence[str] | None = None,
    *,
    name: str | None = None,
    competition: str | None = None,
    seed: int = 0,
    workspace: Workspace = HERE,
    progress: Progress = SILENT,
) -> StackResult:
    """Stack trained members under the dense meta-learner and write the submission.

    The score is that of nested folds: each row is predicted by a meta-learner that was fitted, its penalty chosen,
    on the other folds' out-of-fold predictions. The competition's metric is what is scored by, and what the penalty is
    chosen by; the meta-learner minimises log loss whatever it is. The submission and ``stack.keras`` use one that is
    fitted on all rows.

    Parameters
    ----------
    members
        Names of trained members; None is all that are finished.
    name
        Of the stack; None names it after its members.
    competition
        Its name; None is the one last brought in.
    seed
        Of the meta-learner.

    Raises
    ------
    BadChoice, Mismatch
        If a member is unknown, unfinished, or does not belong to these photos and folds.
    """
    folder, tables = open_competition(competition, workspace, progress)
    names = list(members) if members else _finished(folder, progress)
    if not names:
        raise BadChoice(
            f"No member of {folder.name} is trained yet: begin with `ensembler train-members --members ...`."
        )
    loaded = load_members(folder, tables, names)
    title = checked_name(name or stack_name(names), "stack")
    folds = load_folds(folder, tables)
    nested, test = _learn(folder, tables, loaded, folds, title, seed, progress)
    built = _build(folder, title, names, progress)
    csv = write_answer(workspace.submissions / folder.name, title, tables, test)
    result = _result(folder, tables, loaded, folds, title, nested, csv.absolute(), float(built["difference"]))
    save_stack_figures(folder, title, _figures(result, loaded))
    _remember(folder, tables, loaded, result, workspace)
    return result


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
    return [record.name for record in records if not record.unfinished(folder)]


def _learn(
    folder: CompetitionFolder,
    tables: Tables,
    members: Sequence[MemberPredictions],
    folds: Folds,
    title: str,
    seed: int,
    progress: Progress,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Fit the meta-learner and store it; return the nested out-of-fold and the test probabilities."""
    parts, exclusive, targets = folds.nested_folds(), tables.manifest.sums_to_one, tables.targets[folds.scored]
    X = log_odds([member.out_of_fold for member in members], exclusive=exclusive)
    learner = DenseMetaLearner(exclusive=exclusive, random_state=seed, cost=cost_by(tables.manifest))
    task = progress.start("meta-learner", len(np.unique(parts)) + 1)
    nested = nested_predictions(learner, X, targets, parts, task)
    learner.fit(X, targets, parts)
    task.advance()
    task.finish()
    test = learner.predict_proba(log_odds([member.test for member in members], exclusive=exclusive))
    save_meta_learner(folder, title, learner)
    save_stack_predictions(folder, title, tables, folds.scored, nested, test)
    return nested, test


def _build(folder: CompetitionFolder, title: str, names: list[str], progress: Progress) -> dict[str, Any]:
    told = {"competition": str(folder.root), "stack": title, "members": names}
    job = Job(f"stack-{title}", "ensembler.stacking.keras_stack:build_stack_file", told)
    built: dict[str, Any] = run_jobs([job], folder.logs, progress)[0]
    return built


def _result(
    folder: CompetitionFolder,
    tables: Tables,
    members: Sequence[MemberPredictions],
    folds: Folds,
    title: str,
    nested: NDArray[np.float32],
    csv: Any,
    difference: float,
) -> StackResult:
    mean = np.mean([member.out_of_fold for member in members], axis=0)
    return StackResult(
        name=title,
        mean=judge_out_of_fold(tables, mean, folds.scored),
        members=tuple(member_results(folder, tables, members, folds)),
        submission=csv,
        model=folder.stack(title) / "stack.keras",
        difference=difference,
        **vars(judge_out_of_fold(tables, nested, folds.scored)),
    )


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
    return {
        "name": result.name,
        **score_fields(result),
        "mean": score_fields(result.mean),
        "members": [
            {"name": figures.name, **score_fields(figures), "fingerprint": member.record.fingerprint}
            for figures, member in zip(result.members, members, strict=True)
        ],
        "folds": members[0].record.folds,
        "samples": members[0].record.samples,
        "submission": str(result.submission),
        "sha256": file_digest(result.submission),
        "difference": result.difference,
    }
