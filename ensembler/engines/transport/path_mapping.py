"""Paths of the driver and of a job's mirror on a node: the mirror's folder stands before the driver's absolute path."""

from __future__ import annotations

import glob
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any


def _strip_pattern(path: str) -> str:
    """Return the part of a path before the first part with a wildcard, without the brackets of :func:`glob.escape`."""
    parts = []
    for part in Path(path).parts:
        literal = re.sub(r"\[([*?[])\]", r"\1", part)
        if glob.has_magic(part) and glob.escape(literal) != part:
            break
        parts.append(literal)
    return str(Path(*parts))


def _iterate_parents(path: str) -> Iterator[str]:
    """Iterate over a path and the folders above it, without the topmost."""
    yield from (str(each) for each in [Path(path), *Path(path).parents][:-1])


class PathMapping:
    """Translate a job's description to the paths of its mirror, and what it reports back to those of the driver.

    Parameters
    ----------
    mirror
        Folder of the mirror.
    roots
        Absolute paths and glob patterns at or below which the job's files lie. Text that is one of them, lies below
        one, or above one, is a path of the job.
    """

    def __init__(self, mirror: Path, roots: Iterable[str]) -> None:
        self._mirror = str(mirror)
        self._roots = {*roots, *map(_strip_pattern, roots)} - {"/", ""}
        self._parents = {parent for root in self._roots for parent in _iterate_parents(root)}

    def map_path(self, path: str) -> str:
        """Return the place in the mirror of an absolute path on the driver."""
        return self._mirror + path

    def map_paths(self, value: Any) -> Any:
        """Map all paths of the job in plain data, at any depth."""
        if isinstance(value, str):
            return self.map_path(value) if self._is_path(value) else value
        if isinstance(value, dict):
            return {name: self.map_paths(each) for name, each in value.items()}
        return [self.map_paths(each) for each in value] if isinstance(value, list | tuple) else value

    def restore_text(self, text: str) -> str:
        """Replace all paths in the mirror by those of the driver, also in JSON."""
        return text.replace(json.dumps(self._mirror)[1:-1], "").replace(self._mirror, "")

    def _is_path(self, text: str) -> bool:
        return text.startswith("/") and (
            text in self._parents or any(each in self._roots for each in _iterate_parents(text))
        )
