"""The data that a member learns from, after its corrections."""

from __future__ import annotations

from collections.abc import Sequence

from ..competition.corrections.corrections import (
    NO_CORRECTIONS,
    CorrectedData,
    Corrections,
    apply_corrections,
    join_corrections,
    list_photo_ids,
    load_corrections,
)
from ..competition.folds.file import load_folds
from ..competition.folds.folds import Folds
from ..competition.tables import Tables
from ..options.corrections import CORRECTIONS_FILE, LabelCorrections
from ..paths import CompetitionFolder
from ..progress import SILENT, Progress
from .records import MemberRecord
from .stack_record import load_stack_record


def summarize_corrections(corrections: Corrections) -> LabelCorrections | None:
    """Return the part of a member's settings that describes its corrections."""
    if not corrections:
        return None
    return LabelCorrections(len(corrections.excluded), len(corrections.relabelled), corrections.fingerprint)


def load_member_corrections(folder: CompetitionFolder, record: MemberRecord) -> Corrections:
    """Read the corrections of a member.

    Raises
    ------
    BadData
        If their file is missing, or was changed after training.
    """
    if (summary := record.settings.corrections) is None:
        return NO_CORRECTIONS
    return load_corrections(folder.member(record.name) / CORRECTIONS_FILE, summary.fingerprint)


def correct_data(folder: CompetitionFolder, member: str, tables: Tables, folds: Folds) -> CorrectedData:
    """Return the data that a member learns from. A member without a record learns from all photos."""
    if not (folder.member(member) / "member.json").is_file():
        return CorrectedData(tables, folds)
    corrections = load_member_corrections(folder, MemberRecord.load(folder, member))
    return apply_corrections(tables, folds, corrections)


def load_stack_data(folder: CompetitionFolder, tables: Tables, stack: str) -> CorrectedData:
    """Return the data on which a finished stack was fitted.

    Raises
    ------
    BadData
        If the stack's record or its file of corrections is damaged.
    """
    folds, summary = load_folds(folder, tables), load_stack_record(folder, stack).corrections
    if summary is None:
        return CorrectedData(tables, folds)
    return apply_corrections(
        tables, folds, load_corrections(folder.stack(stack) / CORRECTIONS_FILE, summary.fingerprint)
    )


def correct_stack_data(
    folder: CompetitionFolder,
    tables: Tables,
    folds: Folds,
    members: Sequence[MemberRecord],
    progress: Progress = SILENT,
) -> CorrectedData:
    """Return the data on which a meta-learner is fitted: with the corrections of all members together.

    A note tells what they are, and which members were trained with others.

    Raises
    ------
    BadData
        If a file of corrections is missing, or was changed after training.
    Mismatch
        If two members learned a photo with different labels.
    """
    named = {record.name: load_member_corrections(folder, record) for record in members}
    if not any(named.values()):
        return CorrectedData(tables, folds)
    joined = join_corrections(named, list(dict.fromkeys(list_photo_ids(tables))))
    others = [name for name, corrections in named.items() if corrections != joined]
    learned = f" {', '.join(others)} learned with other corrections or none." if others else ""
    whose = "all members together" if len(named) > 1 else next(iter(named))
    progress.note(f"The meta-learner is fitted with the corrections of {whose}: {joined.describe()}.{learned}")
    return apply_corrections(tables, folds, joined)
