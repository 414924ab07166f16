"""Stored hints of the user, so that a later hint does not undo earlier ones, and facts from Kaggle."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace

from ...competition.layout.evidence import Evidence
from ...competition.layout.hints import NOT_TABLES, Hints
from ...competition.manifest import Manifest
from ...competition.metrics.metrics import find_metric
from ...errors import BadData
from ...paths import CompetitionFolder
from ...progress import Progress
from ...serialization import read_record, write_record
from ...storage import compute_file_digest, write_bytes


@dataclass(frozen=True)
class _StoredHints:
    """Hints of the user, and the checksum of the manifest that was written with them."""

    answers: Hints = Hints()  # noqa: RUF009 - Hints are frozen
    manifest: str = ""


@dataclass(frozen=True)
class KaggleFacts:
    """Kaggle's description of a competition at the time of the download."""

    metric: str = ""
    code_only: bool = False


def read_facts(folder: CompetitionFolder) -> KaggleFacts:
    """Read Kaggle's facts. They are empty for a competition that this package did not download.

    Raises
    ------
    BadData
        If the file is damaged.
    """
    return read_record(folder.facts, KaggleFacts) if folder.facts.is_file() else KaggleFacts()


def merge_hints(folder: CompetitionFolder, hints: Hints) -> Hints:
    """Return the stored hints, updated with the given ones."""
    new = {name: value for name, value in asdict(hints).items() if value not in (None, False, ())}
    stored = _read_hints(folder).answers
    if "groups" in new or "group_column" in new:
        # They exclude each other, and the given one counts.
        stored = replace(stored, groups=None, group_column=None)
    if new.get("labels") in NOT_TABLES:
        stored = replace(stored, image_column=None, label_column=None, group_column=None)
    return replace(stored, **new)


def save_manifest(
    folder: CompetitionFolder, manifest: Manifest, hints: Hints, evidence: Evidence, progress: Progress
) -> None:
    """Write a manifest with its hints and evidence, and report doubts. Its checksum reveals later edits.

    The manifest is written last, because an existing manifest skips the detection of the layout and the hints.
    """
    digest = hashlib.sha256(manifest.text.encode("utf-8")).hexdigest()
    write_record(folder.hints, _StoredHints(hints, digest))
    write_record(folder.evidence, evidence)
    for file in evidence.unused:
        progress.note(f"{file.path} is not used: {file.reason}.")
    for doubt in evidence.doubts:
        progress.warn(doubt)
    manifest.save(folder.manifest)


def mark_as_unedited(folder: CompetitionFolder) -> None:
    """Record the manifest as it is now as the one that was written with the stored hints."""
    write_record(folder.hints, replace(_read_hints(folder), manifest=compute_file_digest(folder.manifest)))


def has_kaggle_metric(folder: CompetitionFolder) -> bool:
    """Return whether local scores are comparable with Kaggle's: its metric is known, or the user chose one."""
    if not folder.facts.is_file() or _read_hints(folder).answers.metric:
        return True
    metric = read_facts(folder).metric
    return not metric or find_metric(metric) is not None


def back_up_edited_manifest(folder: CompetitionFolder, progress: Progress) -> None:
    """Copy a manifest that the user has written or edited, before it is replaced."""
    if folder.manifest.is_file() and is_manifest_edited(folder):
        backup = folder.manifest.with_name(f"{folder.manifest.name}.before")
        write_bytes(backup, folder.manifest.read_bytes())
        progress.warn(f"{folder.manifest} was written or edited by hand and is now replaced. It is kept as {backup}.")


def is_manifest_edited(folder: CompetitionFolder) -> bool:
    """Return whether the manifest is not the one that was written with the stored hints."""
    return _read_hints(folder).manifest != compute_file_digest(folder.manifest)


def _read_hints(folder: CompetitionFolder) -> _StoredHints:
    try:
        return read_record(folder.hints, _StoredHints)
    except BadData:
        # The file is missing or damaged.
        return _StoredHints()
