"""What to do next: the one command that brings a competition on, and why."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...options.command_line import command_line, training_commands
from ...paths import Workspace
from ...submission.ledger.rows import Row
from ..members.listed_member import Member
from .standing import Competition, NextStep

# Backbones to begin with, and to go on with: small ones where heads on frozen ones are all that is quick.
WITH_GPU = ("b0", "b2", "b3", "v2s")
WITHOUT_GPU = ("mobilenetv2", "b0", "mobilenet", "b1")
_FIRST = 3


def first_step(workspace: Workspace, known: Sequence[str], begun: Sequence[str]) -> NextStep:
    """Say what to type where no competition is meant without a word.

    Parameters
    ----------
    known, begun
        Names of competitions that are there, and of those whose fetch has not come to its end.
    """
    if known:
        words = ["status", "-c", known[0]]
        return NextStep(command_line(words, workspace), "No competition is the current one: name one with -c.")
    if begun:
        words = ["fetch", begun[0]]
        return NextStep(command_line(words, workspace), f"The fetch of {begun[0]} goes on from where it is.")
    # Not quoted, since a person puts in the name.
    return NextStep(
        command_line(["fetch"], workspace) + " SLUG",
        "There is no competition yet: fetch one from Kaggle by its slug or address, or make one of your own photos "
        "with `ensembler adopt FOLDER --name NAME`; `ensembler demo` shows the whole way without either.",
    )


def next_step(found: Competition, workspace: Workspace, *, named: bool) -> NextStep:
    """Say what to do next about a competition; ``named`` is whether commands have to name it."""
    words, reason = next(step for step in _steps(found) if step)
    return NextStep(command_line(words, workspace, found.folder.name if named else "") if words else "", reason)


# Words of a command, and the reason.
_Step = tuple[list[str], str] | None


def _steps(found: Competition) -> Iterator[_Step]:
    """Go through what may have to be done, the most urgent first; the last always is something."""
    yield _after_running(found)
    yield _go_on_training(found)
    yield _train_first(found)
    yield _stack(found)
    yield _answer(found)
    yield _another_member(found)


def _after_running(found: Competition) -> _Step:
    running = [member for member in found.members if member.running]
    if not running:
        return None
    return ["status"], f"{running[0].name} is being trained by {running[0].running}: wait for it to end."


def _go_on_training(found: Competition) -> _Step:
    """Go on with members that are unfinished; those of other photos or folds are trained anew."""
    stale = [member.name for member in found.members if member.stale]
    if stale:
        what = next(member.stale for member in found.members if member.stale)
        words = training_commands(found.folder, stale)[0]
        return [*words, "--restart"], f"{', '.join(stale)}: trained with other {what} than there are now."
    partly = [member for member in found.members if not member.finished]
    if not partly:
        return None
    done = ", ".join(f"{member.name} has {member.folds_done} of {member.folds} folds" for member in partly)
    return training_commands(found.folder, [member.name for member in partly])[0], f"Not finished: {done}."


def _train_first(found: Competition) -> _Step:
    if found.members:
        return None
    return ["train-members", "--members", ",".join(_backbones()[:_FIRST])], "No member is trained yet."


def _backbones() -> tuple[str, ...]:
    # To ask TensorFlow takes seconds.
    return WITH_GPU if shutil.which("nvidia-smi") else WITHOUT_GPU


def _stack(found: Competition) -> _Step:
    if not found.stacks:
        return ["stack"], "Members are trained and not stacked yet."
    newer = [member.name for member in found.members if _finished_at(member) > found.stacks[0].built]
    if newer:
        return ["stack"], f"{', '.join(newer)}: trained after the last stack was built."
    return None


def _finished_at(member: Member) -> float:
    """When the last fold of a member was trained, in seconds since 1970."""
    return max((path.stat().st_mtime for path in member.folder.glob("fold-*/fold.json")), default=0.0)


def _answer(found: Competition) -> _Step:
    """Judge the newest CSV, or have Kaggle judge it."""
    if found.folder.is_ours:
        return ["score"], "The labels of the photos to predict are here: score the newest CSV by them."
    if not found.manifest.slug:
        return None
    waiting = [row for row in found.submissions if row.status in ("UPLOADING", "PENDING")]
    if waiting:
        return ["submissions"], f"{waiting[0].file_name} is uploaded and has no score yet: ask Kaggle for it."
    if found.manifest.code_only:
        return _notebook(found)
    if found.newest_csv is None or _is_uploaded(found.newest_csv, found.submissions):
        return None
    return ["submit"], f"{found.newest_csv.name} is not submitted yet."


def _notebook(found: Competition) -> _Step:
    name = found.stacks[0].name if found.stacks else ""
    if any(row.kind == "notebook" and row.stack == name and row.ref is not None for row in found.submissions):
        return None
    return ["notebook", "--push", "--submit"], f"Kaggle takes notebooks alone, and that of {name} is not submitted."


def _is_uploaded(csv: Path, submissions: Sequence[Row]) -> bool:
    """Whether these bytes were uploaded, wherever the ledger says that they lie."""
    taken = [row for row in submissions if row.status not in ("", "FAILED")]
    digests = {row.sha256 for row in submissions if row.path and row.path.resolve() == csv.resolve()}
    return any(row.sha256 and row.sha256 in digests for row in taken)


def _another_member(found: Competition) -> tuple[list[str], str]:
    known = {member.name.partition("@")[0] for member in found.members}
    further = next((name for name in _backbones() if name not in known), "")
    if not further:
        return [], "Everything is done; other backbones and settings (`--members b0@LABEL`) may do better."
    return ["train-members", "--members", further], "Everything is done; one more backbone makes most stacks better."
