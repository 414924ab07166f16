"""Choice of the next command for a competition, with its reason."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

from ...callers import address_caller
from ...competition.manifest import describe_stale_tables
from ...options.command_line import format_command, group_training_commands
from ...paths import Workspace
from ...submission.ledger.rows import Row
from ..members.listed_member import ListedMember
from .standing import CompetitionStatus, NextStep

# Suggested backbones in order. Without a GPU, only heads on small frozen backbones are quick.
WITH_GPU = ("b0", "b2", "b3", "v2s")
WITHOUT_GPU = ("mobilenetv2", "b0", "mobilenet", "b1")
_FIRST_MEMBERS = 3


def choose_first_step(workspace: Workspace, known: Sequence[str], begun: Sequence[str]) -> NextStep:
    """Return the next step without a current competition.

    Parameters
    ----------
    known, begun
        Names of existing competitions, and of those whose fetch is incomplete.
    """
    if known:
        words = ["status", "-c", known[0]]
        return NextStep(format_command(words, workspace), "There is no current competition: name one with -c.")
    if begun:
        words = ["fetch", begun[0]]
        return NextStep(format_command(words, workspace), f"The fetch of {begun[0]} is incomplete and resumes.")
    # SLUG is appended unquoted, because the user replaces it.
    return NextStep(
        format_command(["fetch"], workspace) + " SLUG",
        "There is no competition yet: fetch one from Kaggle by its slug or address, or create one from your own photos "
        "with `ensembler adopt FOLDER --name NAME`. `ensembler demo` shows the whole workflow without either.",
    )


def choose_next_step(competition: CompetitionStatus, workspace: Workspace, *, named: bool) -> NextStep:
    """Return the most urgent next step. ``named`` is whether commands must name the competition."""
    words, reason = (
        _suggest_training(competition)
        or _suggest_stacking(competition)
        or _suggest_submitting(competition)
        or _suggest_another_member(competition)
    )
    command = format_command(words, workspace, competition.folder.name if named else "") if words else ""
    return NextStep(command, address_caller(reason))


def describe_begun(competition: CompetitionStatus) -> list[str]:
    """Describe members that have only begun, with the commands that resume and remove them.

    Members with the same options share a sentence. Without other members, the first of them are the next step.
    """
    groups = group_training_commands(competition.folder, competition.begun)
    sentences = []
    for members, resume in groups if competition.members else groups[1:]:
        command, it = shlex.join(["ensembler", *resume]), "them" if len(members) > 1 else "it"
        sentences.append(f"{_describe_unfinished_start(members)} `{command}` resumes {it}.")
    return sentences


def _describe_unfinished_start(members: Sequence[str]) -> str:
    it = "them" if len(members) > 1 else "it"
    return f"Not trained yet: {', '.join(members)}. `ensembler members rm {' '.join(members)}` removes {it}."


# Words of a command, and the reason.
_Step = tuple[list[str], str]


def _suggest_training(competition: CompetitionStatus) -> _Step | None:
    members = competition.members
    if competition.damage:
        return [], competition.damage
    if running := [member for member in members if member.running]:
        return ["status"], f"{running[0].name} is being trained by {running[0].running}: wait for it to end."
    if competition.folds and not competition.tables_current:
        return ["folds"], f"{describe_stale_tables(competition.folder)}: this scans the photos for new ones."
    if stale := [member for member in members if member.stale]:
        names = [member.name for member in stale]
        words = [*group_training_commands(competition.folder, names)[0][1], "--restart"]
        return words, f"{', '.join(names)}: {stale[0].stale_reason}."
    if unfinished := [member for member in members if not member.is_finished]:
        done = ", ".join(f"{member.name} has {member.folds_done} of {member.folds} folds" for member in unfinished)
        words = group_training_commands(competition.folder, [member.name for member in unfinished])[0][1]
        return words, f"Not finished: {done}."
    if not members and competition.begun:
        names, words = group_training_commands(competition.folder, competition.begun)[0]
        return words, _describe_unfinished_start(names)
    if not members:
        first = ",".join(_choose_backbones()[:_FIRST_MEMBERS])
        return ["train-members", "--members", first], "No member is trained yet."
    return None


def _choose_backbones() -> tuple[str, ...]:
    # TensorFlow would take seconds to find GPUs.
    return WITH_GPU if shutil.which("nvidia-smi") else WITHOUT_GPU


def _suggest_stacking(competition: CompetitionStatus) -> _Step | None:
    if not competition.stacks:
        return ["stack"], "Members are trained but not stacked yet."
    built = competition.stacks[0].built.timestamp()
    newer = [member.name for member in competition.members if _find_finish_time(member) > built]
    if newer:
        return ["stack"], f"{', '.join(newer)}: trained after the newest stack was built."
    return None


def _find_finish_time(member: ListedMember) -> float:
    """Return the time of a member's newest fold in seconds since 1970."""
    return max((path.stat().st_mtime for path in member.folder.glob("fold-*/fold.json")), default=0.0)


def _suggest_submitting(competition: CompetitionStatus) -> _Step | None:
    if competition.folder.is_ours:
        return ["score"], "The labels of the photos to predict are known: score the newest submission."
    if not competition.manifest.slug:
        return None
    waiting = [row for row in competition.submissions if row.status in ("UPLOADING", "PENDING")]
    if waiting:
        return ["submissions"], f"{waiting[0].file_name} is uploaded but not scored yet: ask Kaggle for the score."
    if competition.manifest.code_only:
        return _suggest_notebook(competition)
    if competition.newest_csv is None or _is_uploaded(competition.newest_csv, competition):
        return None
    better = _find_better_answer(competition.newest_csv, competition)
    if better is None:
        return ["submit"], f"{competition.newest_csv.name} is not submitted yet."
    row, path = better
    if _is_uploaded(path, competition):
        reason = f"{competition.newest_csv.name} is not submitted yet, but scores worse than {path.name}, which is"
        return ["submit"], f"{reason} ({row.metric} {row.own:.4f})."
    reason = f"{path.name} is not submitted yet, and scores better than the newest, {competition.newest_csv.name}"
    return ["submit", str(path)], f"{reason} ({row.metric} {row.own:.4f})."


def _find_better_answer(csv: Path, competition: CompetitionStatus) -> tuple[Row, Path] | None:
    """Return the CSV with the best score of its own, if that was computed as the score of ``csv`` and is better."""
    answers = [
        (row, row.path)
        for row in competition.submissions
        if row.path and row.path.is_file() and row.kind == "csv" and row.own is not None
    ]
    this = next((row for row, path in answers if path.resolve() == csv.resolve()), None)
    if this is None or this.larger_is_better is None:
        return None
    sign = 1 if this.larger_is_better else -1
    alike = [
        (row, path)
        for row, path in answers
        if (row.metric, row.folds, row.samples) == (this.metric, this.folds, this.samples)
    ]
    best = max(alike, key=lambda answer: sign * (answer[0].own or 0.0))
    return best if sign * (best[0].own or 0.0) > sign * (this.own or 0.0) else None


def _suggest_notebook(competition: CompetitionStatus) -> _Step | None:
    name = competition.stacks[0].name if competition.stacks else ""
    if any(row.kind == "notebook" and row.stack == name and row.ref is not None for row in competition.submissions):
        return None
    reason = f"Kaggle accepts only notebooks. That of {name} is not submitted yet."
    return ["notebook", "--push", "--submit"], reason


def _is_uploaded(csv: Path, competition: CompetitionStatus) -> bool:
    """Return whether the content of a CSV was uploaded from any path."""
    digests = {row.sha256 for row in competition.submissions if row.path and row.path.resolve() == csv.resolve()}
    return any(row.sha256 and row.sha256 in digests for row in competition.uploads)


def _suggest_another_member(competition: CompetitionStatus) -> _Step:
    names = (*(member.name for member in competition.members), *competition.begun)
    known = {name.partition("@")[0] for name in names}
    further = next((name for name in _choose_backbones() if name not in known), "")
    if not further:
        return [], "Everything is done. Other backbones and settings (`--members b0@LABEL`) may score better."
    return ["train-members", "--members", further], "Everything is done. Another backbone improves most stacks."
