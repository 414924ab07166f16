"""Names of numbered classes, from a JSON file of the competition."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

# A competition may contain a JSON file per photo. A map of classes is small and near the root.
_MAX_FILES = 50
_MAX_BYTES = 1 << 20
_MAX_DEPTH = 2


def find_class_names(root: Path, classes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the name of each class from a JSON file such as ``label_num_to_disease_map.json``.

    The result is empty if no JSON file near ``root`` names all ``classes``.
    """
    path = find_class_names_file(root, classes)
    names = _read_names(path) if path else {}
    return tuple(names[name].strip() for name in classes) if names else ()


def find_class_names_file(root: Path, classes: tuple[str, ...]) -> Path | None:
    """Return the JSON file near ``root`` that names all ``classes``, or None."""
    for path in _list_json_files(root):
        names = _read_names(path)
        if set(classes) <= set(names) and all(isinstance(names[name], str) and names[name].strip() for name in classes):
            return path
    return None


def _list_json_files(root: Path) -> list[Path]:
    paths: list[Path] = []
    for depth in range(_MAX_DEPTH):
        paths += sorted(path for path in root.glob("*/" * depth + "*.json") if path.is_file())[:_MAX_FILES]
    return [path for path in paths if path.stat().st_size <= _MAX_BYTES]


def _read_names(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return {}  # other JSON files may be anything
    return content if isinstance(content, dict) else {}
