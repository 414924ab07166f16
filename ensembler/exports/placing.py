"""Puts finished files into the folder of an export, and finds those of an earlier one."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import replace
from pathlib import Path

from ..errors import BadData, StorageError
from ..storage import compute_file_digest, remove_file, write_file_atomically, write_folder_atomically
from .card import ExportCard, ExportRecord, locate_record, read_export_record, write_export_record


def list_parts(file: Path) -> list[Path]:
    """List the files of an export: OpenVINO has two, and a SavedModel has a folder. The main file is last."""
    if file.is_dir():
        return sorted(path for path in file.rglob("*") if path.is_file())
    weights = file.with_suffix(".bin")
    return [weights, file] if file.suffix == ".xml" else [file]


def count_megabytes(file: Path) -> float:
    """Return the size of all files of an export."""
    return sum(part.stat().st_size for part in list_parts(file)) / 1e6


def compute_digests(file: Path) -> dict[str, str]:
    """Return the checksums of the files of an export by their paths from its folder. Missing files have none."""
    parts = (part for part in list_parts(file) if part.is_file())
    return {part.relative_to(file.parent).as_posix(): compute_file_digest(part) for part in parts}


def place_file(scratch: Path, file: Path, record: ExportRecord) -> None:
    """Move a finished file to its place, and write its record last. A file without a record is unfinished.

    Raises
    ------
    StorageError
        If the folder cannot be written. The former file stays.
    """
    try:
        (_place_folder if scratch.is_dir() else _place_parts)(scratch, file)
        write_export_record(file, record)
    except StorageError as error:
        if not isinstance(error.__cause__, OSError):
            raise
        # The cause may name the scratch file.
        raise StorageError.from_os(error.__cause__, file, "--output") from error.__cause__


def _place_folder(scratch: Path, folder: Path) -> None:
    with write_folder_atomically(folder) as temporary:
        shutil.copytree(scratch, temporary, dirs_exist_ok=True)
        remove_file(locate_record(folder))


def _place_parts(scratch: Path, file: Path) -> None:
    parts = list_parts(scratch)
    with contextlib.ExitStack() as stack:
        # The last one entered is put into its place first: the weights before the main file.
        for part in reversed(parts):
            temporary = stack.enter_context(write_file_atomically(file.with_name(part.name)))
            shutil.copyfile(part, temporary)
        # The former files are complete until here.
        remove_file(locate_record(file))
        if len(parts) > 1:
            # Otherwise an interruption could leave it with the weights of another network.
            remove_file(file)


def describe_replaced(file: Path, card: ExportCard) -> str:
    """Return what a new file replaces, if that is no earlier export of the same network, as a sentence."""
    if not file.exists():
        return ""
    record = read_export_record(file)
    if record is None:
        return f"{file.name} replaces a file without a description beside it."
    former = record.card
    if former.source != card.source:
        return f"{file.name} replaces the export of another network, or of {card.network.name} before it changed."
    if former.single_photo != card.single_photo:
        return f"{file.name} replaces one {'for single photos' if former.single_photo else 'of a free batch'}."
    return ""


def require_unchanged(file: Path) -> None:
    """Compare an exported file with the checksums in the JSON beside it, if there is one. Both may be renamed.

    Raises
    ------
    BadData
        If they differ, or the weights beside the ``.xml`` of OpenVINO are missing.
    """
    if missing := [part for part in list_parts(file) if not part.is_file()]:
        raise BadData(f"{missing[0]} is missing: copy it again with {file.name}, or export again.")
    record = read_export_record(file)
    if record and sorted(compute_digests(file).values()) != sorted(record.sha256.values()):
        raise BadData(
            f"{file} is not what {locate_record(file).name} describes: one of them was damaged, changed, or taken from "
            "another export. Copy both again, or export again with `ensembler export`."
        )


def find_kept(file: Path, card: ExportCard, tolerance: float, photos: tuple[int, int]) -> ExportRecord | None:
    """Return the record of a file that an earlier export wrote from the same network in the same way.

    Parameters
    ----------
    card
        Card without inputs.
    tolerance, photos
        Tolerance, and numbers of compared training and test photos.
    """
    record = read_export_record(file)
    if record is None or not file.exists():
        return None
    same = replace(record.card, inputs=()) == card and record.tolerance == tolerance
    if not same or (record.training_photos, record.test_photos) != photos:
        return None
    return record if compute_digests(file) == record.sha256 else None
