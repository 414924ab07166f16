"""Where a competition stands, and what to do next; nothing is asked of Kaggle, and no photo is looked at."""

from __future__ import annotations

import csv
from pathlib import Path

from ...competition.manifest import Manifest
from ...errors import BadData
from ...members.records import MemberRecord, trained_members
from ...paths import HERE, CompetitionFolder, Workspace
from ...progress import SILENT, Progress
from ...serialization import read_json
from ...submission.ledger.ledger import Ledger
from ..members.listing import members_of
from .next_steps import first_step, next_step
from .standing import Brief, BuiltStack, Competition, Status


def status(competition: str | None = None, *, workspace: Workspace = HERE, progress: Progress = SILENT) -> Status:
    """Tell where a competition stands, and what to do next.

    Parameters
    ----------
    competition
        Its name; None is the one last brought in.

    Raises
    ------
    BadChoice
        If there is no competition of that name.
    BadData
        If its manifest, a stack's figures or the ledger is damaged.
    """
    meant = _meant(workspace)
    name = workspace.current(competition).name if competition is not None else meant
    known, begun = workspace.competitions(), workspace.begun()
    briefs = (
        *(_brief(workspace.competition(one), current=one == meant) for one in known),
        *(Brief(one, current=False, trouble="its fetch has not come to its end") for one in begun),
    )
    if name is None:
        return Status(None, briefs, first_step(workspace, known, begun))
    found = _competition(workspace.competition(name), workspace, progress)
    return Status(found, briefs, next_step(found, workspace, named=name != meant))


def _meant(workspace: Workspace) -> str | None:
    """Name the competition that commands mean without a word; None if there is none, or no longer."""
    if not workspace.marker.is_file():
        return None
    name = workspace.marker.read_text("utf-8").strip()
    return name if name in workspace.competitions() else None


def _competition(folder: CompetitionFolder, workspace: Workspace, progress: Progress) -> Competition:
    manifest = Manifest.load(folder.manifest)
    csvs = sorted((workspace.submissions / folder.name).glob("*.csv"), key=lambda path: path.stat().st_mtime)
    return Competition(
        folder=folder,
        manifest=manifest,
        training=_rows(folder.train),
        test=_rows(folder.test),
        unreadable=_rows(folder.unreadable),
        folds=_folds(folder),
        members=tuple(members_of(folder, workspace, progress)),
        stacks=tuple(_stacks(folder)),
        newest_csv=csvs[-1].absolute() if csvs else None,
        submissions=tuple(Ledger(workspace.submissions).rows(folder.name, "" if folder.is_ours else manifest.slug)),
    )


def _rows(table: Path) -> int | None:
    """Count the rows of a CSV below its header; None if it is not there."""
    if not table.is_file():
        return None
    with table.open(encoding="utf-8-sig", newline="") as stream:
        return max(0, sum(1 for _ in csv.reader(stream)) - 1)


def _folds(folder: CompetitionFolder) -> int:
    if not folder.folds.is_file():
        return 0
    with folder.folds.open(encoding="utf-8-sig", newline="") as stream:
        # Photos that are never held out have none.
        return len({row.get("fold") for row in csv.DictReader(stream)} - {"", None})


def _stacks(folder: CompetitionFolder) -> list[BuiltStack]:
    """Read all finished stacks, the newest first."""
    paths = sorted(folder.stack("").glob("*/stack.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    return [_stack(path) for path in paths]


def _stack(path: Path) -> BuiltStack:
    told = read_json(path)
    try:
        return BuiltStack(
            name=path.parent.name,
            members=tuple(member["name"] for member in told["members"]),
            metric="log loss" if told.get("score") is None else told["metric"],
            score=told["log_loss"] if told.get("score") is None else told["score"],
            standard_error=told.get("standard_error"),
            log_loss=told["log_loss"],
            built=path.stat().st_mtime,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise BadData(f"{path} is not of this version ({error}): stack anew with `ensembler stack`.") from error


def _brief(folder: CompetitionFolder, *, current: bool) -> Brief:
    try:
        manifest = Manifest.load(folder.manifest)
        stacks = _stacks(folder)
        records = [MemberRecord.load(folder, name) for name in trained_members(folder)]
        finished = sum(not record.unfinished(folder) for record in records)
    except BadData as error:
        return Brief(folder.name, current, trouble=str(error))
    score = stacks[0].score if stacks else None
    return Brief(folder.name, current, "", manifest.task, manifest.metric, finished, len(records), score)
