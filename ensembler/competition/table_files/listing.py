"""The search for table files below a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ..pictures.file_kinds import is_system_name
from .reading import extract_table_suffix

# A folder with more text or JSON files than this has one for each photo, such as its boxes.
_MAX_FILES = 20


def list_table_files(root: Path) -> list[Path]:
    """Return all tables below ``root``, the shallowest first.

    Files of systems are omitted, and files other than CSVs in folders that have one for each photo.
    """
    return sorted(_walk(str(root)), key=lambda path: (len(path.parts), path.as_posix()))


def _walk(top: str) -> Iterator[Path]:
    for folder, folders, names in os.walk(top):
        folders[:] = [name for name in folders if not is_system_name(name)]
        found = {name: suffix for name in names if (suffix := extract_table_suffix(name)) and not is_system_name(name)}
        others = sum(suffix != ".csv" for suffix in found.values())
        for name, suffix in found.items():
            path = Path(folder, name)
            if (suffix == ".csv" or others <= _MAX_FILES) and path.is_file():
                yield path
