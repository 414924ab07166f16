"""Puts finished files into the folder of an export, and finds those of an earlier one."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from ..errors import StorageError
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
    """Return the checksums of the files of an export by their paths from its folder."""
    return {part.relative_to(file.parent).as_posix(): compute_file_digest(part) for part in list_parts(file)}


def place_file(scratch: Path, file: Path, record: ExportRecord) -> None:
    """Move a finished file to its place, and write its record last. A file without a record is unfinished."""
    remove_file(locate_record(file))
    try:
        if scratch.is_dir():
            with write_folder_atomically(file) as temporary:
                shutil.copytree(scratch, temporary, dirs_exist_ok=True)
        else:
            for part in list_parts(scratch):
                with write_file_atomically(file.with_name(part.name)) as temporary:
                    shutil.copyfile(part, temporary)
    except OSError as error:
        raise StorageError.from_os(error) from error
    write_export_record(file, record)


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
    return (
        record if all(part.is_file() for part in list_parts(file)) and compute_digests(file) == record.sha256 else None
    )
