"""Result of ``status``: one competition in full, all competitions in short, and the next step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ...competition.manifest import Manifest
from ...errors import format_count
from ...figures import format_number, format_score
from ...paths import CompetitionFolder
from ...serialization import Exported, convert_to_plain
from ...submission.ledger.rows import Row
from ...tables import Shown, Table
from ..machine import KerasFacts
from ..members.listed_member import ListedMember
from ..submit.table import build_submission_table

# Maximum number of stacks and of submissions in the table.
_MAX_SHOWN = 3


@dataclass(frozen=True)
class BuiltStack(Exported):
    """A finished stack.

    Attributes
    ----------
    name, folder, model, members
        Name of the stack, its folder, its ``stack.keras``, and the names of its members.
    metric, score, standard_error, log_loss
        Score of nested folds by the competition's metric at that time, or by log loss if that score is not a number,
        and the log loss.
    built
        Time of the build in UTC.
    """

    name: str
    folder: Path
    model: Path
    members: tuple[str, ...]
    metric: str
    score: float
    standard_error: float | None
    log_loss: float
    built: datetime


@dataclass(frozen=True)
class LastCheck(Exported):
    """The last check of a competition's data.

    Attributes
    ----------
    made
        Time of the check in UTC, in ISO 8601.
    doubts
        Number of doubts about single photos, as in ``doubts.csv``.
    kinds
        Kinds of the findings, the most serious first.
    is_current
        Whether the photos and labels are still those that were checked.
    """

    made: str
    doubts: int
    kinds: tuple[str, ...]
    is_current: bool


@dataclass(frozen=True)
class CompetitionStatus(Exported):
    """A fetched or adopted competition.

    Attributes
    ----------
    manifest
        Description of the competition.
    training, test, unreadable
        Numbers of photos. None before the scan of photos.
    folds
        Number of folds. 0 before they are made.
    tables_current
        Whether the tables of photos match the present manifest.
    damage
        Sentence about a damaged file of folds, or empty.
    members, stacks
        Trained members, and finished stacks, newest first.
    begun
        Names of members whose first run failed or was interrupted before a fold was finished.
    check
        The last check of the data. None if there is none.
    newest_csv
        Newest submission. None if there is none.
    submissions
        Rows of the ledger, newest first.
    """

    folder: CompetitionFolder
    manifest: Manifest
    training: int | None
    test: int | None
    unreadable: int | None
    folds: int
    members: tuple[ListedMember, ...]
    stacks: tuple[BuiltStack, ...]
    newest_csv: Path | None
    submissions: tuple[Row, ...]
    tables_current: bool = True
    damage: str = ""
    begun: tuple[str, ...] = ()
    check: LastCheck | None = None

    @property
    def uploads(self) -> list[Row]:
        """Started and finished uploads, newest first."""
        return [row for row in self.submissions if row.status not in ("", "FAILED")]

    @property
    def best_public(self) -> Row | None:
        """The upload with the best public score. None without scores, or if the direction of the metric is unknown."""
        scored = [row for row in self.uploads if row.public is not None]
        larger = next((row.larger_is_better for row in self.submissions if row.larger_is_better is not None), None)
        if not scored or larger is None:
            return None
        return (max if larger else min)(scored, key=lambda row: row.public or 0.0)

    def list_facts(self) -> Iterator[tuple[str, str]]:
        """Yield labels and lines of the table. Further lines of one label have an empty label."""
        manifest = self.manifest
        unreadable = f", {self.unreadable} unreadable" if self.unreadable else ""
        yield "task", manifest.describe()
        if self.training is not None:
            yield "photos", f"{self.training} to train on, {self.test} to predict{unreadable}"
        yield "check", _format_check(self.check) if self.check else "none yet"
        yield "metric", manifest.metric
        yield "folds", "damaged" if self.damage else f"{self.folds or 'none yet'}"
        for label, lines in (
            ("members", [_format_member(member) for member in self.members]),
            ("stacks", [_format_stack(stack) for stack in self.stacks[:_MAX_SHOWN]]),
            ("newest CSV", [str(self.newest_csv)] if self.newest_csv else []),
            ("submissions", _format_uploads(self)),
        ):
            yield from ((label if number == 0 else "", line) for number, line in enumerate(lines or ["none yet"]))

    def to_json(self) -> dict[str, Any]:
        """Return the state as plain data for JSON. It contains the main fields of the manifest."""
        of_manifest = ("slug", "task", "classes", "metric")
        own = (
            "training",
            "test",
            "unreadable",
            "folds",
            "members",
            "begun",
            "stacks",
            "newest_csv",
            "submissions",
            "check",
        )
        fields = {"name": self.folder.name, "folder": self.folder.root}
        fields |= {name: getattr(self.manifest, name) for name in of_manifest}
        fields |= {name: getattr(self, name) for name in own}
        plain: dict[str, Any] = convert_to_plain(fields)
        return plain


@dataclass(frozen=True)
class CompetitionSummary:
    """Summary of a competition.

    Attributes
    ----------
    current
        Whether commands use this competition by default.
    trouble
        Reason why the other fields are unknown, or empty.
    finished, members
        Number of finished members, and of all members.
    score, metric
        Score of the newest stack, and its metric.
    """

    name: str
    current: bool
    trouble: str = ""
    task: str = ""
    metric: str = ""
    finished: int = 0
    members: int = 0
    score: float | None = None


@dataclass(frozen=True)
class NextStep:
    """Next command and its reason. The command is empty if nothing is left to do."""

    command: str
    reason: str


@dataclass(frozen=True, repr=False)
class Status(Shown):
    """State of the workspace.

    Attributes
    ----------
    competition
        The requested or current competition. None if there is none.
    competitions
        Summaries of all competitions by name, incomplete fetches last.
    next
        Next step.
    notes
        Sentences about what else is to be decided, such as members that have only begun.
    keras
        Backend of Keras, and the GPUs by the driver's list. None if they were not looked for.
    """

    competition: CompetitionStatus | None
    competitions: tuple[CompetitionSummary, ...]
    next: NextStep
    notes: tuple[str, ...] = ()
    keras: KerasFacts | None = None

    def build_table(self) -> Table:
        """Return the state as a table. The last line is the next command."""
        several = len(self.competitions) > 1 or not self.competition
        summaries = [_format_summary(brief) for brief in self.competitions] if several else []
        command = [f"next: {self.next.command}"] if self.next.command else []
        above = [*summaries, *([""] if summaries else [])]
        notes = [*above, *self.notes, self.next.reason, *command]
        if not self.competition:
            return Table(notes=notes)
        facts = [*self.competition.list_facts(), *([("backend", str(self.keras))] if self.keras else [])]
        return Table([self.competition.folder.name, ""], facts, [""], notes)


def _format_check(check: LastCheck) -> str:
    kinds = f" ({', '.join(check.kinds)})" if check.kinds else ""
    later = "" if check.is_current else "; the photos or labels have changed since"
    return f"{format_count(range(check.doubts), 'doubt')}{kinds}, {check.made[:10]}{later}"


def _format_member(member: ListedMember) -> str:
    loss = "" if member.log_loss is None else f", log loss {member.log_loss:.4f}"
    if member.running:
        state = f"{member.folds_done} of {member.folds} folds, being trained by {member.running}"
    elif member.stale:
        state = f"unusable, {member.stale_reason}"
    else:
        state = "finished" if member.is_finished else f"{member.folds_done} of {member.folds} folds"
    return f"{member.name}: {state}{loss}"


def _format_stack(stack: BuiltStack) -> str:
    loss = "" if stack.metric == "log loss" else f", log loss {stack.log_loss:.4f}"
    return f"{stack.name}: {stack.metric} {format_score(stack.score, stack.standard_error)}{loss}"


def _format_uploads(competition: CompetitionStatus) -> list[str]:
    if competition.folder.is_ours:
        return ["not on Kaggle"]
    lines = str(build_submission_table(competition.uploads[:_MAX_SHOWN])).splitlines() if competition.uploads else []
    best = competition.best_public
    return [*lines, f"best public score {best.public:g} ({best.file_name})"] if best else lines


def _format_summary(summary: CompetitionSummary) -> str:
    mark = "*" if summary.current else " "
    if summary.trouble:
        return f"{mark} {summary.name}: {summary.trouble}"
    score = "no stack yet" if summary.score is None else f"newest stack {summary.score:.4f}"
    return (
        f"{mark} {summary.name}: {summary.task}, {summary.metric}; {summary.finished} of {summary.members} "
        f"members, {score}"
    )


def build_stack_list_table(stacks: Sequence[BuiltStack]) -> Table:
    """Return the table of stacks."""
    rows = [
        (one.name, one.metric, format_score(one.score, one.standard_error), format_number(one.log_loss))
        for one in stacks
    ]
    return Table(["stack", "metric", "score", "log loss"], rows, ["metric"])
