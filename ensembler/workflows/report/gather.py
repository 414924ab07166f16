"""Gathers the facts of a report, section by section. A section that lacks something says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from ... import __version__
from ...competition.folds.file import load_folds
from ...competition.folds.folds import Folds
from ...competition.metrics.metrics import resolve_metric
from ...competition.tables import Tables
from ...members.records import MemberRecord
from ...paths import CompetitionFolder
from ...reports.facts import Gap, PhotoFacts, PhotosFacts, QualityFacts, ReportFacts
from ...reports.outcomes import Outcomes, Rows, load_member_outcomes, load_stack_outcomes, read_member
from ...reports.photos import (
    add_member,
    describe_labelled,
    describe_unlabelled,
    select_largest_losses,
    select_uncertain,
)
from ...reports.quality import RowResults, describe_quality, measure_rows
from ...reports.stack_file import StackFile
from ...stacking.reliability import Reliability, compute_reliability
from ...submission.ledger.rows import format_utc
from ..competition import open_competition
from ..members.listed_member import ListedMember
from ..status.next_steps import choose_next_step
from ..status.standing import CompetitionStatus
from ..status.status import describe_competition, read_submissions
from .answer import add_hidden_scores, describe_answer, load_stack_files, rank_stacks
from .photo_data import describe_data
from .repetition import describe_repetition
from .team import describe_members, load_records
from .troubles import Troubles

# Most probabilities of a member of which the reliability is computed.
_RELIABILITY_CELLS = 50_000_000


@dataclass(frozen=True, eq=False)
class Gathered:
    """The facts of a report, and what its pictures are made of.

    Attributes
    ----------
    stack, members
        Name of the shown stack, or empty, and the names of the members that were asked about photos.
    largest_rows
        Rows of the training table of the photos with the largest losses, in order.
    """

    facts: ReportFacts
    tables: Tables | None
    stack: str = ""
    members: tuple[str, ...] = ()
    largest_rows: Rows = field(default_factory=lambda: np.zeros(0, np.int64))


@dataclass(frozen=True, eq=False)
class _Shown:
    """The stack or member whose predictions the page explains."""

    outcomes: Outcomes
    stack: StackFile | None
    member: MemberRecord | None


def gather_report(folder: CompetitionFolder, troubles: Troubles) -> Gathered:
    """Gather all facts of a competition's report."""
    submissions = troubles.attempt(lambda: read_submissions(folder), [])
    standing = describe_competition(folder, troubles, submissions)
    tables = troubles.attempt(lambda: open_competition(folder.name, folder.workspace)[1], None)
    folds = _load_folds(folder, tables, troubles)
    records = load_records(folder, standing.members)
    files = load_stack_files(folder, standing, troubles)
    ranked = rank_stacks(folder, standing.manifest, files)
    ranked, _ = add_hidden_scores(folder, tables, ranked, files, troubles)
    by_name = {stack.name: stack for stack in files}
    best_member = _find_best_member(standing)
    shown = _choose_shown(
        folder, tables, folds, [by_name[one.name] for one in ranked if one.rank], best_member, records, troubles
    )
    stack = shown.stack if shown else None
    hidden = add_hidden_scores(
        folder, tables, [one for one in ranked if stack and one.name == stack.name], files, troubles
    )[1]
    step = choose_next_step(standing, folder.workspace, named=bool(folder.name_if_not_current))
    results = measure_rows(shown.outcomes, troubles) if shown else None
    photos, largest, asked = _gather_photos(folder, tables, folds, shown, results, records, troubles)
    data = describe_data(folder, standing, tables, folds, troubles)
    facts = ReportFacts(
        name=folder.name,
        slug=standing.manifest.slug,
        task=standing.manifest.describe(),
        made=format_utc(datetime.now(UTC)),
        version=__version__,
        answer=describe_answer(standing, step, ranked, stack, hidden, best_member),
        members=describe_members(folder, standing, records, stack),
        quality=_gather_quality(shown, results, tables),
        photos=photos,
        data=data,
        repeat=describe_repetition(folder, standing, records, files, troubles),
        troubles=troubles.sentences,
    )
    return Gathered(facts, tables, stack.name if stack else "", asked, largest)


def _load_folds(folder: CompetitionFolder, tables: Tables | None, troubles: Troubles) -> Folds | None:
    if tables is None or not folder.folds.is_file():
        return None
    return troubles.attempt(lambda: load_folds(folder, tables), None)


def _find_best_member(standing: CompetitionStatus) -> ListedMember | None:
    """Return the finished member with the best score by the metric, or else by log loss."""
    metric = resolve_metric(standing.manifest.metric, standing.manifest.task)
    finished = [member for member in standing.members if member.is_finished and member.log_loss is not None]
    scored = [member for member in finished if member.score is not None]
    if scored:
        return min(scored, key=lambda member: metric.compute_cost(member.score or 0.0))
    return min(finished, key=lambda member: member.log_loss or 0.0, default=None)


def _choose_shown(
    folder: CompetitionFolder,
    tables: Tables | None,
    folds: Folds | None,
    stacks: Sequence[StackFile],
    best_member: ListedMember | None,
    records: Mapping[str, MemberRecord],
    troubles: Troubles,
) -> _Shown | None:
    """Return the first stack whose predictions can be read, or else the best member."""
    if tables is None:
        return None
    for stack in stacks:
        outcomes = troubles.attempt(lambda name=stack.name: load_stack_outcomes(folder, tables, name), None)  # type: ignore[misc]
        if outcomes is not None and len(outcomes.rows):
            return _Shown(outcomes, stack, None)
    if best_member is None or folds is None or best_member.name not in records:
        return None
    record = records[best_member.name]
    outcomes = troubles.attempt(lambda: load_member_outcomes(folder, tables, folds, record), None)
    return _Shown(outcomes, None, record) if outcomes is not None and len(outcomes.rows) else None


def _gather_quality(shown: _Shown | None, results: RowResults | None, tables: Tables | None) -> QualityFacts:
    if shown is None or results is None:
        return QualityFacts(gap=_name_missing_predictions(tables))
    if shown.stack:
        stored = shown.stack.reliability
        before, after = (stored[key].reliability if key in stored else None for key in ("before", "after"))
        return describe_quality(shown.outcomes, results, before, after, shown.stack.temperature)
    return describe_quality(shown.outcomes, results, _compute_reliability(shown.outcomes), None, None)


def _compute_reliability(outcomes: Outcomes) -> Reliability | None:
    if outcomes.probabilities.size > _RELIABILITY_CELLS:
        return None
    targets = outcomes.encode_targets(slice(None))
    return compute_reliability(targets, outcomes.probabilities, multiclass=outcomes.manifest.sums_to_one)


def _name_missing_predictions(tables: Tables | None) -> Gap:
    if tables is None:
        return Gap("The tables of photos cannot be used.", "ensembler folds")
    return Gap("There are no usable out-of-fold predictions yet.", "ensembler train-members --members mobilenetv2,b0")


def _gather_photos(
    folder: CompetitionFolder,
    tables: Tables | None,
    folds: Folds | None,
    shown: _Shown | None,
    results: RowResults | None,
    records: Mapping[str, MemberRecord],
    troubles: Troubles,
) -> tuple[PhotosFacts, Rows, tuple[str, ...]]:
    """Return the fourth section's facts, the rows of the largest losses, and the names of the members asked."""
    none = np.zeros(0, np.int64)
    if tables is None or shown is None or results is None:
        return PhotosFacts(gap=_name_missing_predictions(tables)), none, ()
    outcomes = shown.outcomes
    largest = select_largest_losses(results.losses)
    uncertain, _ = select_uncertain(outcomes)
    labelled = describe_labelled(outcomes, tables, largest, results.losses)
    unlabelled = describe_unlabelled(outcomes, tables, uncertain)
    names = [member.name for member in shown.stack.members] if shown.stack else list(records)
    asked = []
    for name in troubles.track(names, "reading what members said of photos", len(names)):
        if folds is None or name not in records:
            continue
        both = troubles.attempt(
            lambda name=name: read_member(  # type: ignore[misc]
                folder, tables, folds, records[name], outcomes.rows[largest], outcomes.test_rows[uncertain]
            ),
            None,
        )
        if both is not None:
            labelled = add_member(labelled, outcomes, name, both[0], largest)
            unlabelled = add_member(unlabelled, outcomes, name, both[1], None)
            asked.append(name)
    share = float(results.losses[largest].sum() / results.losses.sum()) if results.losses.sum() > 0 else None
    photos = PhotosFacts(largest=tuple(labelled), uncertain=tuple(unlabelled), total_loss_share=_round(share))
    return photos, outcomes.rows[largest], tuple(asked)


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def list_photos(facts: PhotosFacts) -> tuple[PhotoFacts, ...]:
    """Return all photos of the page."""
    return (*facts.largest, *facts.uncertain)
