"""The records that a report is made of, read once for all sections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...competition.folds.file import load_folds
from ...competition.folds.folds import Folds
from ...competition.manifest import Manifest
from ...competition.metrics.metrics import Metric, resolve_metric
from ...competition.tables import Tables
from ...errors import BadData
from ...members.records import MemberRecord
from ...options.command_line import format_command
from ...paths import CompetitionFolder
from ...reports.gap import Gap
from ...reports.stack_file import StackFile, load_stack_file
from ...submission.ledger.rows import Row
from ..competition import open_competition
from ..members.listed_member import ListedMember
from ..status.next_steps import choose_next_step
from ..status.standing import CompetitionStatus, NextStep
from ..status.status import describe_competition, read_submissions
from .troubles import Troubles


@dataclass(frozen=True, eq=False)
class Sources:
    """Everything that is known of a competition.

    Attributes
    ----------
    standing, step
        State of the competition, and the next step.
    tables, folds
        Tables of photos and folds. None if they cannot be used.
    records
        Records of the listed members by name.
    stacks
        Records of the finished stacks, the newest first.
    troubles
        Receiver of warnings about records that cannot be used.
    """

    folder: CompetitionFolder
    standing: CompetitionStatus
    step: NextStep
    tables: Tables | None
    folds: Folds | None
    records: Mapping[str, MemberRecord]
    stacks: Sequence[StackFile]
    troubles: Troubles

    @property
    def manifest(self) -> Manifest:
        """Description of the competition."""
        return self.standing.manifest

    @property
    def metric(self) -> Metric:
        """Metric of the competition."""
        return resolve_metric(self.manifest.metric, self.manifest.task)

    def find_best_member(self) -> ListedMember | None:
        """Return the finished member with the best score by the metric, or else by log loss."""
        finished = [member for member in self.standing.members if member.is_finished and member.log_loss is not None]
        scored = [member for member in finished if member.score is not None]
        if scored:
            return min(scored, key=lambda member: self.metric.compute_cost(member.score or 0.0))
        return min(finished, key=lambda member: member.log_loss or 0.0, default=None)

    def make_gap(self, reason: str, *words: str) -> Gap:
        """Return a gap with its command as the user types it; without ``words`` it is that of the next step."""
        if not words:
            return Gap(reason, self.step.command)
        return Gap(reason, format_command(words, self.folder.workspace, self.folder.name_if_not_current))

    def explain_missing_predictions(self) -> Gap:
        """Return why no photo has an out-of-fold prediction that can be shown."""
        if self.tables is None:
            return self.make_gap("The tables of photos cannot be used.", "folds")
        return self.make_gap("There are no out-of-fold predictions that can be used yet.")


def read_sources(folder: CompetitionFolder, troubles: Troubles) -> Sources:
    """Read the records of a competition. Those that cannot be used are reported and left out.

    Raises
    ------
    BadData
        If the manifest is damaged.
    """
    none: list[Row] = []
    submissions = troubles.attempt(lambda: read_submissions(folder), none)
    standing = describe_competition(folder, troubles, submissions)
    if standing.damage:
        troubles.warn(standing.damage)
    tables = troubles.attempt(lambda: _load_tables(folder), None)
    stacks = (_load_stack(folder, stack.name, troubles) for stack in standing.stacks)
    return Sources(
        folder=folder,
        standing=standing,
        step=choose_next_step(standing, folder.workspace, named=bool(folder.name_if_not_current)),
        tables=tables,
        folds=_load_folds(folder, tables, troubles),
        records=_load_records(folder, standing.members),
        stacks=[stack for stack in stacks if stack],
        troubles=troubles,
    )


def _load_tables(folder: CompetitionFolder) -> Tables:
    """Load the tables, after checking that they have the columns that all sections read."""
    _, tables = open_competition(folder.name, folder.workspace)
    for path, table, columns in (
        (folder.train, tables.train, {"id", "path", "label", "group"}),
        (folder.test, tables.test, {"id", "path"}),
    ):
        if missing := columns - set(table.columns):
            lacking = ", ".join(sorted(missing))
            raise BadData(
                f"{path} lacks the column(s) {lacking}: delete it, and run `ensembler folds`, which makes it."
            )
    return tables


def _load_stack(folder: CompetitionFolder, name: str, troubles: Troubles) -> StackFile | None:
    return troubles.attempt(lambda: load_stack_file(folder, name), None)


def _load_folds(folder: CompetitionFolder, tables: Tables | None, troubles: Troubles) -> Folds | None:
    if tables is None or not folder.folds.is_file():
        return None
    return troubles.attempt(lambda: load_folds(folder, tables), None)


def _load_records(folder: CompetitionFolder, members: Sequence[ListedMember]) -> dict[str, MemberRecord]:
    records = {}
    for member in members:
        try:
            records[member.name] = MemberRecord.load(folder, member.name)
        except BadData:
            # The list of members has reported it.
            continue
    return records
