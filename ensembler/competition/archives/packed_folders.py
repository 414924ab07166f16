"""Folders with archives inside, as people keep a download: ``train.zip`` and ``test.zip`` beside the tables."""

from __future__ import annotations

from pathlib import Path

from ..photo_names import extract_suffix
from ..pictures.file_kinds import list_photo_suffixes
from .formats import is_archive
from .mirror import walk_places
from .placing import is_litter
from .unpacking import list_entries

# Share of an archive's files that are beside it if it was unpacked before.
_MOST = 0.9


def find_packed(root: Path, exclude: Path) -> list[Path]:
    """Return the archives below ``root`` with photos, tables or archives inside that are not unpacked beside them.

    Files below ``exclude`` are not searched.
    """
    paths = (root / place for place in walk_places(root, exclude))
    archives = sorted(path for path in paths if is_archive(path) and not is_litter(path.relative_to(root)))
    return [path for path in archives if _is_needed(path)]


def _is_needed(archive: Path) -> bool:
    """Return whether an archive contains files of the task that are missing beside it, or cannot be read."""
    entries = list_entries(archive)
    if entries is None:
        return True  # the code that unpacks it tells the reason
    files = [(entry.name, entry.size) for entry in entries if entry.kind == "file"]
    wanted = {*list_photo_suffixes(), ".csv"}
    if not any(extract_suffix(name).lower() in wanted or is_archive(Path(name)) for name, _ in files):
        return False
    folders = (archive.parent, archive.with_suffix(""))
    present = max(sum(_has_size(folder / name, size) for name, size in files) for folder in folders)
    return present < _MOST * len(files)


def _has_size(path: Path, size: int) -> bool:
    # Some formats do not tell the size.
    return path.is_file() and size in (0, path.stat().st_size)
