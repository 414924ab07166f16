"""Gathers the facts of a report, section by section. A section that lacks something says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ...reports.facts import ReportFacts
from ...reports.outcome_facts import PhotosFacts, QualityFacts
from ...reports.outcomes import Outcomes, load_member_outcomes, load_stack_outcomes
from ...reports.quality import RowResults, describe_quality, measure_rows
from ...reports.stack_file import StackFile
from ...stacking.reliability import Reliability, compute_reliability
from ...submission.ledger.rows import format_utc
from .answer import add_hidden_scores, describe_answer, rank_stacks
from .photo_data import describe_data
from .repetition import describe_repetition
from .shown_photos import ShownPhotos, describe_photos
from .sources import Sources
from .team import describe_members

# Most probabilities of a member of which the reliability is computed.
_RELIABILITY_CELLS = 50_000_000


@dataclass(frozen=True, eq=False)
class Gathered:
    """The facts of a report, and the pictures of its photos as ``data:`` addresses by place."""

    facts: ReportFacts
    pictures: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class _Shown:
    """The stack or else the member whose predictions the page explains."""

    outcomes: Outcomes
    stack: StackFile | None = None


def gather_report(sources: Sources, *, explain: bool) -> Gathered:
    """Gather all facts of a competition's report.

    Parameters
    ----------
    explain
        Whether to compute what networks look at.
    """
    troubles = sources.troubles
    ranked, scores = add_hidden_scores(sources, rank_stacks(sources))
    by_name = {stack.name: stack for stack in sources.stacks}
    shown = _choose_shown(sources, [by_name[one.name] for one in ranked if one.rank])
    stack = shown.stack if shown else None
    results = measure_rows(shown.outcomes, troubles) if shown else None
    photos = _gather_photos(sources, shown, results, explain=explain)
    repeat = describe_repetition(sources)
    facts = ReportFacts(
        name=sources.folder.name,
        slug=sources.manifest.slug,
        task=sources.manifest.describe(),
        made=format_utc(datetime.now(UTC)),
        version=repeat.versions.get("ensembler", ""),
        answer=describe_answer(sources, ranked, stack, scores.get(stack.name) if stack else None),
        members=describe_members(sources, stack),
        quality=_gather_quality(sources, shown, results),
        photos=photos.facts,
        data=describe_data(sources),
        repeat=repeat,
        troubles=(),
    )
    return Gathered(replace(facts, troubles=troubles.sentences), photos.pictures)


def _choose_shown(sources: Sources, stacks: list[StackFile]) -> _Shown | None:
    """Return the first stack whose predictions can be read, or else the best member."""
    for stack in stacks if sources.tables else ():
        outcomes = _load_stack_outcomes(sources, stack)
        if outcomes is not None and len(outcomes.rows):
            return _Shown(outcomes, stack)
    outcomes = _load_member_outcomes(sources)
    return _Shown(outcomes) if outcomes is not None and len(outcomes.rows) else None


def _load_stack_outcomes(sources: Sources, stack: StackFile) -> Outcomes | None:
    tables = sources.tables
    if tables is None:
        return None
    return sources.troubles.attempt(lambda: load_stack_outcomes(sources.folder, tables, stack.name), None)


def _load_member_outcomes(sources: Sources) -> Outcomes | None:
    tables, folds, member = sources.tables, sources.folds, sources.find_best_member()
    if tables is None or folds is None or member is None or member.name not in sources.records:
        return None
    record = sources.records[member.name]
    return sources.troubles.attempt(lambda: load_member_outcomes(sources.folder, tables, folds, record), None)


def _gather_quality(sources: Sources, shown: _Shown | None, results: RowResults | None) -> QualityFacts:
    if shown is None or results is None:
        return QualityFacts(gap=sources.explain_missing_predictions())
    if shown.stack is None:
        return describe_quality(shown.outcomes, results, _compute_reliability(shown.outcomes), None, None)
    stored = shown.stack.reliability
    before, after = (stored[key].reliability if key in stored else None for key in ("before", "after"))
    return describe_quality(shown.outcomes, results, before, after, shown.stack.temperature)


def _compute_reliability(outcomes: Outcomes) -> Reliability | None:
    if outcomes.probabilities.size > _RELIABILITY_CELLS:
        return None
    targets = outcomes.encode_targets(slice(None))
    return compute_reliability(targets, outcomes.probabilities, multiclass=outcomes.manifest.sums_to_one)


def _gather_photos(sources: Sources, shown: _Shown | None, results: RowResults | None, *, explain: bool) -> ShownPhotos:
    if shown is None or results is None or sources.tables is None:
        return ShownPhotos(PhotosFacts(gap=sources.explain_missing_predictions()), {})
    return describe_photos(sources, sources.tables, shown.outcomes, shown.stack, results.losses, explain=explain)
