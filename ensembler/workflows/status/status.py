"""The stage ``status``, which reads files only. It does not contact Kaggle and decodes no photos."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ...callers import address_caller
from ...competition.manifest import Manifest, are_tables_current
from ...errors import BadData
from ...members.records import MemberRecord, has_finished_fold, list_trained_members
from ...members.stack_record import list_stacks, load_stack_record
from ...options.arguments import check_arguments
from ...paths import DEFAULT_WORKSPACE, CompetitionFolder, CompetitionLike, Workspace, WorkspaceLike
from ...progress import SILENT, Progress
from ...submission.ledger.ledger import Ledger
from ...submission.ledger.rows import Row
from ...tables import Listing
from ..machine import describe_keras
from ..members.listing import describe_damaged_folds, list_begun_members, list_competition_members
from .next_steps import choose_first_step, choose_next_step, describe_begun
from .standing import BuiltStack, CompetitionStatus, CompetitionSummary, LastCheck, Status, build_stack_list_table


@check_arguments
def status(
    competition: CompetitionLike | None = None,
    *,
    workspace: WorkspaceLike = DEFAULT_WORKSPACE,
    progress: Progress = SILENT,
) -> Status:
    """Describe the state of a competition, and the next step.

    Parameters
    ----------
    competition
        Name of the competition. None selects the one last fetched or adopted.

    Raises
    ------
    BadChoice
        If the competition does not exist.
    BadData
        If the manifest or the ledger is damaged. A damaged record of a member or a stack is a warning.

    Examples
    --------
    >>> status = ensembler.status("pets")
    >>> status.competition.folds, status.next.command
    (3, 'ensembler score -c pets')
    """
    workspace = Workspace.read(workspace)
    asked = None if competition is None else workspace.current(competition)
    workspace = asked.workspace if asked else workspace
    current = workspace.read_current_name()
    name = asked.name if asked else current
    known, begun = workspace.competitions(), workspace.begun()
    summaries = (
        *(_summarise_competition(workspace.competition(one), current=one == current) for one in known),
        *(CompetitionSummary(one, current=False, trouble="the fetch is incomplete") for one in begun),
    )
    if name is None:
        return Status(None, summaries, choose_first_step(workspace, known, begun), keras=describe_keras())
    folder = workspace.competition(name)
    competition_status = describe_competition(folder, progress, read_submissions(folder))
    named = name != current
    return Status(
        competition_status,
        summaries,
        choose_next_step(competition_status, workspace, named=named),
        tuple(map(address_caller, describe_begun(competition_status))),
        describe_keras(),
    )


def read_submissions(folder: CompetitionFolder) -> list[Row]:
    """Read the rows of the ledger about a competition, newest first.

    Raises
    ------
    BadData
        If the manifest or the ledger is damaged.
    """
    slug = "" if folder.is_ours else Manifest.load(folder.manifest).slug
    return Ledger(folder.workspace.submissions).list_rows(folder.name, slug)


def describe_competition(
    folder: CompetitionFolder, progress: Progress, submissions: Sequence[Row]
) -> CompetitionStatus:
    """Describe one competition. See :func:`status`.

    Parameters
    ----------
    submissions
        Its rows of the ledger, newest first.
    """
    manifest = Manifest.load(folder.manifest)
    damage = describe_damaged_folds(folder)
    csvs = sorted(folder.submissions.glob("*.csv"), key=lambda path: path.stat().st_mtime)
    return CompetitionStatus(
        folder=folder,
        manifest=manifest,
        tables_current=are_tables_current(folder, manifest),
        training=_count_rows(folder.train),
        test=_count_rows(folder.test),
        unreadable=_count_rows(folder.unreadable),
        folds=0 if damage else _count_folds(folder),
        damage=damage,
        begun=tuple(list_begun_members(folder)),
        members=tuple(list_competition_members(folder, progress, damage)),
        stacks=tuple(load_stacks(folder, progress)),
        newest_csv=csvs[-1].absolute() if csvs else None,
        submissions=tuple(submissions),
        check=_load_check(folder, progress),
    )


def _load_check(folder: CompetitionFolder, progress: Progress) -> LastCheck | None:
    """Read the last check. Warn of a damaged one."""
    if not folder.check.is_dir():
        return None
    # Before a check, no library for tables is needed.
    from ...checks.result import load_check

    try:
        found = load_check(folder)
    except BadData as error:
        progress.warn(str(error))
        return None
    if found is None:
        return None
    kinds = tuple(dict.fromkeys(finding.kind for finding in found.findings))
    return LastCheck(found.made, found.doubts, kinds, found.is_current)


def _count_rows(table: Path) -> int | None:
    """Return the number of rows of a CSV below its header. None if the file does not exist."""
    if not table.is_file():
        return None
    with table.open(encoding="utf-8-sig", newline="") as stream:
        return max(0, sum(1 for _ in csv.reader(stream)) - 1)


def _count_folds(folder: CompetitionFolder) -> int:
    if not folder.folds.is_file():
        return 0
    with folder.folds.open(encoding="utf-8-sig", newline="") as stream:
        # Photos that are never held out have no fold.
        return len({row.get("fold") for row in csv.DictReader(stream)} - {"", None})


def load_stacks(folder: CompetitionFolder, progress: Progress) -> Listing[BuiltStack]:
    """Read all finished stacks, newest first. Warn of damaged ones, which do not hide the others."""
    stacks = []
    for name in list_stacks(folder):
        try:
            stacks.append(_load_stack(folder, name))
        except BadData as error:
            progress.warn(str(error))
    return Listing(stacks, build_stack_list_table)


def _load_stack(folder: CompetitionFolder, name: str) -> BuiltStack:
    record = load_stack_record(folder, name)
    metric, score = record.known_score
    place = folder.stack(name)
    return BuiltStack(
        name=name,
        folder=place,
        model=place / "stack.keras",
        members=tuple(member.name for member in record.members),
        metric=metric,
        score=score,
        standard_error=record.standard_error,
        log_loss=record.log_loss,
        built=datetime.fromtimestamp((place / "stack.json").stat().st_mtime, UTC),
    )


def _summarise_competition(folder: CompetitionFolder, *, current: bool) -> CompetitionSummary:
    try:
        manifest = Manifest.load(folder.manifest)
        newest = list_stacks(folder)[:1]
        score = _load_stack(folder, newest[0]).score if newest else None
        records = [
            MemberRecord.load(folder, name) for name in list_trained_members(folder) if has_finished_fold(folder, name)
        ]
        finished = sum(not record.list_unfinished_folds(folder) for record in records)
    except BadData as error:
        return CompetitionSummary(folder.name, current, trouble=str(error))
    return CompetitionSummary(folder.name, current, "", manifest.task, manifest.metric, finished, len(records), score)
