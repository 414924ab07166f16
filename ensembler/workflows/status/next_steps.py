"""What to do next: the one command that brings a competition on, and why."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...competition.manifest import describe_stale_tables
from ...options.command_line import build_training_commands, format_command
from ...paths import Workspace
from ...submission.ledger.rows import Row
from ..members.listed_member import ListedMember
from .standing import CompetitionStatus, NextStep

# Backbones to begin with, and to go on with: small ones where heads on frozen ones are all that is quick.
WITH_GPU = ("b0", "b2", "b3", "v2s")
WITHOUT_GPU = ("mobilenetv2", "b0", "mobilenet", "b1")
_FIRST_MEMBERS = 3


def choose_first_step(workspace: Workspace, known: Sequence[str], begun: Sequence[str]) -> NextStep:
    """Say what to type where no competition is meant without a word.

    Parameters
    ----------
    known, begun
        Names of competitions that are there, and of those whose fetch has not come to its end.
    """
    if known:
        words = ["status", "-c", known[0]]
        return NextStep(format_command(words, workspace), "No competition is the current one: name one with -c.")
    if begun:
        words = ["fetch", begun[0]]
        return NextStep(format_command(words, workspace), f"The fetch of {begun[0]} goes on from where it is.")
    # Not quoted, since a person puts in the name.
    return NextStep(
        format_command(["fetch"], workspace) + " SLUG",
        "There is no competition yet: fetch one from Kaggle by its slug or address, or make one of your own photos "
        "with `ensembler adopt FOLDER --name NAME`; `ensembler demo` shows the whole way without either.",
    )


def choose_next_step(competition: CompetitionStatus, workspace: Workspace, *, named: bool) -> NextStep:
    """Say what to do next about a competition; ``named`` is whether commands have to name it."""
    words, reason = next(step for step in _iterate_steps(competition) if step)
    return NextStep(format_command(words, workspace, competition.folder.name if named else "") if words else "", reason)


# Words of a command, and the reason.
_Step = tuple[list[str], str] | None


def _iterate_steps(competition: CompetitionStatus) -> Iterator[_Step]:
    """Go through what may have to be done, the most urgent first; the last always is something."""
    yield _suggest_waiting(competition)
    yield _suggest_refreshing(competition)
    yield _suggest_resuming(competition)
    yield _suggest_first_members(competition)
    yield _suggest_stacking(competition)
    yield _suggest_submitting(competition)
    yield _suggest_another_member(competition)


def _suggest_waiting(competition: CompetitionStatus) -> _Step:
    running = [member for member in competition.members if member.running]
    if not running:
        return None
    return ["status"], f"{running[0].name} is being trained by {running[0].running}: wait for it to end."


def _suggest_refreshing(competition: CompetitionStatus) -> _Step:
    """Make tables anew that are not those of the manifest; training does so by itself."""
    if competition.tables_current or not competition.folds:
        return None
    return ["folds"], f"{describe_stale_tables(competition.folder)}: this scans the photos for new ones."


def _suggest_resuming(competition: CompetitionStatus) -> _Step:
    """Go on with members that are unfinished; those of other photos or folds are trained anew."""
    stale = [member.name for member in competition.members if member.stale]
    if stale:
        what = next(member.stale for member in competition.members if member.stale)
        words = build_training_commands(competition.folder, stale)[0]
        return [*words, "--restart"], f"{', '.join(stale)}: trained with other {what} than there are now."
    unfinished = [member for member in competition.members if not member.is_finished]
    if not unfinished:
        return None
    done = ", ".join(f"{member.name} has {member.folds_done} of {member.folds} folds" for member in unfinished)
    return build_training_commands(competition.folder, [member.name for member in unfinished])[
        0
    ], f"Not finished: {done}."


def _suggest_first_members(competition: CompetitionStatus) -> _Step:
    if competition.members:
        return None
    return ["train-members", "--members", ",".join(_choose_backbones()[:_FIRST_MEMBERS])], "No member is trained yet."


def _choose_backbones() -> tuple[str, ...]:
    # To ask TensorFlow takes seconds.
    return WITH_GPU if shutil.which("nvidia-smi") else WITHOUT_GPU


def _suggest_stacking(competition: CompetitionStatus) -> _Step:
    if not competition.stacks:
        return ["stack"], "Members are trained and not stacked yet."
    newer = [member.name for member in competition.members if _find_finish_time(member) > competition.stacks[0].built]
    if newer:
        return ["stack"], f"{', '.join(newer)}: trained after the last stack was built."
    return None


def _find_finish_time(member: ListedMember) -> float:
    """When the last fold of a member was trained, in seconds since 1970."""
    return max((path.stat().st_mtime for path in member.folder.glob("fold-*/fold.json")), default=0.0)


def _suggest_submitting(competition: CompetitionStatus) -> _Step:
    """Judge the newest CSV, or have Kaggle judge it."""
    if competition.folder.is_ours:
        return ["score"], "The labels of the photos to predict are here: score the newest CSV by them."
    if not competition.manifest.slug:
        return None
    waiting = [row for row in competition.submissions if row.status in ("UPLOADING", "PENDING")]
    if waiting:
        return ["submissions"], f"{waiting[0].file_name} is uploaded and has no score yet: ask Kaggle for it."
    if competition.manifest.code_only:
        return _suggest_notebook(competition)
    if competition.newest_csv is None or _is_uploaded(competition.newest_csv, competition.submissions):
        return None
    return ["submit"], f"{competition.newest_csv.name} is not submitted yet."


def _suggest_notebook(competition: CompetitionStatus) -> _Step:
    name = competition.stacks[0].name if competition.stacks else ""
    if any(row.kind == "notebook" and row.stack == name and row.ref is not None for row in competition.submissions):
        return None
    return ["notebook", "--push", "--submit"], f"Kaggle takes notebooks alone, and that of {name} is not submitted."


def _is_uploaded(csv: Path, submissions: Sequence[Row]) -> bool:
    """Whether these bytes were uploaded, wherever the ledger says that they lie."""
    taken = [row for row in submissions if row.status not in ("", "FAILED")]
    digests = {row.sha256 for row in submissions if row.path and row.path.resolve() == csv.resolve()}
    return any(row.sha256 and row.sha256 in digests for row in taken)


def _suggest_another_member(competition: CompetitionStatus) -> tuple[list[str], str]:
    known = {member.name.partition("@")[0] for member in competition.members}
    further = next((name for name in _choose_backbones() if name not in known), "")
    if not further:
        return [], "Everything is done; other backbones and settings (`--members b0@LABEL`) may do better."
    return ["train-members", "--members", further], "Everything is done; one more backbone makes most stacks better."
