"""The first section: the best stack, the ranking of stacks, submissions, and the next step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ...competition.samples import compute_samples_fingerprint
from ...paths import CompetitionFolder
from ...reports.facts import AnswerFacts, StackFacts, SubmissionFacts
from ...reports.gap import Gap
from ...reports.quality import is_larger_better, round_finite
from ...reports.stack_file import StackFile, read_bounds
from ...storage import compute_file_digest
from ...submission.answer import AnswerScore, score_answer
from ...submission.ledger.rows import Row, format_utc
from ..members.listed_member import ListedMember
from .sources import Sources

# Most stacks whose CSV is scored on hidden labels, and most submissions in the table.
_SCORED_STACKS, _SUBMISSIONS = 5, 200


def rank_stacks(sources: Sources) -> list[StackFacts]:
    """Describe stacks: first those that can be compared, the best first, then the others, the newest first."""
    folder, metric = sources.folder, sources.metric
    there = folder.train.is_file() and folder.test.is_file()
    samples = compute_samples_fingerprint(folder, sources.manifest) if there else "missing"
    folds = compute_file_digest(folder.folds) if folder.folds.is_file() else ""
    described = [_describe_stack(folder, stack, _find_stale_input(stack, samples, folds)) for stack in sources.stacks]
    comparable = [one for one in described if one.metric == metric.name and not one.stale]
    comparable.sort(key=lambda one: metric.compute_cost(one.score))
    sign = -1.0 if metric.larger_is_better else 1.0
    ranked = [
        replace(one, rank=number + 1, behind=round_finite(sign * (one.score - comparable[0].score)))
        for number, one in enumerate(comparable)
    ]
    return [*ranked, *(one for one in described if one not in comparable)]


def _find_stale_input(stack: StackFile, samples: str, folds: str) -> str:
    if stack.samples and stack.samples != samples:
        return "photos or labels"
    return "folds" if stack.folds and stack.folds != folds else ""


def _describe_stack(folder: CompetitionFolder, stack: StackFile, stale: str) -> StackFacts:
    metric, score = stack.known_score
    built = datetime.fromtimestamp((folder.stack(stack.name) / "stack.json").stat().st_mtime, UTC)
    return StackFacts(
        name=stack.name,
        rank=None,
        metric=metric,
        score=score,
        standard_error=stack.standard_error,
        interval=stack.known_interval,
        log_loss=stack.log_loss,
        accuracy=stack.accuracy,
        behind=None,
        meta=stack.meta,
        members=tuple(member.name for member in stack.members),
        built=format_utc(built),
        stale=stale,
        refit=stack.refit,
    )


def add_hidden_scores(
    sources: Sources, ranked: Sequence[StackFacts]
) -> tuple[list[StackFacts], dict[str, AnswerScore]]:
    """Score the CSVs of the first stacks on hidden labels, where they are known. Return the scores by stack too."""
    paths = {stack.name: Path(stack.submission) for stack in sources.stacks if stack.submission}
    scores = {}
    for one in ranked[:_SCORED_STACKS] if sources.folder.is_ours else ():
        path = paths.get(one.name)
        score = _score_hidden(sources, path) if path and path.is_file() else None
        if score:
            scores[one.name] = score
    listed = [
        replace(one, hidden_score=round_finite(scores[one.name].score)) if one.name in scores else one for one in ranked
    ]
    return listed, scores


def _score_hidden(sources: Sources, csv: Path) -> AnswerScore | None:
    tables, solution, troubles = sources.tables, sources.folder.solution, sources.troubles
    if tables is None:
        return None
    photos = dict(zip(tables.test["id"], tables.test["path"], strict=True)) if tables.manifest.is_orientation else {}
    return troubles.attempt(lambda: score_answer(csv, solution, tables.manifest, troubles, photos), None)


def describe_answer(
    sources: Sources, ranked: Sequence[StackFacts], shown: StackFile | None, hidden: AnswerScore | None
) -> AnswerFacts:
    """Return the first section's facts.

    Parameters
    ----------
    ranked
        Stacks in the order of :func:`rank_stacks`.
    shown
        Record of the stack that the page explains. None if there is none.
    hidden
        Its score on hidden labels, if known.
    """
    standing, best = sources.standing, sources.find_best_member()
    facts = AnswerFacts(
        metric=sources.metric.name,
        larger_is_better=sources.metric.larger_is_better,
        members_count=sum(member.is_finished for member in standing.members),
        training_photos=standing.training,
        test_photos=standing.test,
        next_command=sources.step.command,
        next_reason=sources.step.reason,
        stacks=tuple(ranked),
        submissions=tuple(_list_submissions(standing.submissions[:_SUBMISSIONS])),
        gap=None if shown else _find_gap(sources, ranked, best),
    )
    if shown:
        return _add_stack(facts, shown, hidden)
    return _add_member(facts, best) if best else facts


def _find_gap(sources: Sources, ranked: Sequence[StackFacts], best: ListedMember | None) -> Gap:
    shown = ", so the best member is shown" if best else ""
    if any(one.rank for one in ranked):
        return sources.make_gap(f"The predictions of the stacks cannot be read{shown}.", "stack")
    if ranked:
        return sources.make_gap(f"No stack belongs to the present photos, folds and metric{shown}.", "stack")
    if best:
        return sources.make_gap("There is no stack yet, so the best member is shown.", "stack")
    return Gap("No member is finished yet, so there is no score.")


def _add_stack(facts: AnswerFacts, shown: StackFile, hidden: AnswerScore | None) -> AnswerFacts:
    metric, score = shown.known_score
    return replace(
        facts,
        shown=shown.name,
        kind="stack",
        metric=metric,
        larger_is_better=is_larger_better(metric),
        score=score,
        standard_error=shown.standard_error,
        interval=shown.known_interval,
        log_loss=shown.log_loss,
        accuracy=shown.accuracy,
        gain=shown.gain.value if shown.gain else None,
        gain_interval=read_bounds(shown.gain.interval) if shown.gain else None,
        best_member=shown.best,
        refit=shown.refit,
        corrected_score=shown.corrected.score if shown.corrected else None,
        hidden_metric=hidden.metric if hidden else "",
        hidden_score=round_finite(hidden.score) if hidden else None,
        hidden_error=round_finite(hidden.standard_error) if hidden else None,
    )


def _add_member(facts: AnswerFacts, member: ListedMember) -> AnswerFacts:
    metric = member.metric if member.metric and member.score is not None else "log loss"
    known = metric == member.metric
    score, error = (member.score, member.standard_error) if known else (member.log_loss, None)
    return replace(
        facts,
        shown=member.name,
        kind="member",
        metric=metric,
        larger_is_better=is_larger_better(metric),
        score=score,
        standard_error=error,
        interval=None if score is None or error is None else (score - 1.96 * error, score + 1.96 * error),
        log_loss=member.log_loss,
        accuracy=member.accuracy,
        corrected_score=member.corrected_score,
    )


def _list_submissions(rows: Sequence[Row]) -> Iterator[SubmissionFacts]:
    for row in rows:
        yield SubmissionFacts(
            file=row.file_name,
            stack=row.stack,
            made=format_utc(row.when) if row.when else "",
            metric=row.metric,
            own=round_finite(row.own),
            own_error=round_finite(row.own_error),
            public=row.public,
            private=row.private,
            status=row.status,
        )
