"""JSON, TOML and arrays in files, and hashes of what they hold."""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any, cast

import numpy as np
import tomli_w

from .errors import BadData
from .storage import write_file_atomically, write_text


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` as indented JSON."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def write_json_if_changed(path: Path, content: Any) -> None:
    """Write ``content`` as :func:`write_json` does, unless the file holds it already."""
    try:
        there = read_json(path)
    except BadData:
        there = None
    if there != content:
        write_json(path, content)


def read_json(path: Path) -> Any:
    """Read JSON that we wrote.

    Raises
    ------
    BadData
        If the file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadData(f"Cannot read {path} ({error}): delete it and run the command that made it again.") from error


def format_toml(header: str, content: dict[str, Any]) -> str:
    """Give ``content`` as TOML under comment lines."""
    comments = "".join(f"# {line}".rstrip() + "\n" for line in header.splitlines())
    return comments + "\n" + tomli_w.dumps(content, multiline_strings=False)


def read_toml(path: Path) -> dict[str, Any]:
    """Read TOML that a person may have edited.

    Raises
    ------
    BadData
        If the file is missing or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadData(f"Cannot read {path}: {error}; mend it, or delete it and fetch again.") from error


def write_arrays(path: Path, **arrays: np.ndarray[Any, Any]) -> None:
    """Write arrays as ``.npz``; arrays of objects, which only a pickle could hold, are refused."""
    if objects := [name for name, array in arrays.items() if array.dtype.hasobject]:
        raise TypeError(f"Arrays of objects cannot be stored. Received: {objects}")
    with write_file_atomically(path) as temporary:
        np.savez(temporary, **cast("dict[str, Any]", arrays))


def read_arrays(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Read all arrays of an ``.npz`` file that holds no pickles.

    Raises
    ------
    BadData
        If the file is missing or damaged.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except Exception as error:
        raise BadData(f"Cannot read {path} ({error}): delete its folder and run again.") from error


def compute_fingerprint(content: Any) -> str:
    """Hash anything that JSON can hold, independent of the order of keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode("utf-8")).hexdigest()[:16]


def compute_text_digest(content: str) -> str:
    """Return what :func:`compute_file_digest` gives for a file that :func:`write_text` wrote."""
    return hashlib.sha256(content.encode("utf-8")).hexdigest()
