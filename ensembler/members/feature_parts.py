"""Features on their way: what is computed is put down every now and then, so that a killed run goes on from there."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import BadData
from ..progress import Progress
from ..storage import read_arrays, whole_file, write_arrays
from .feature_files import PARTS

# Seconds of work that a kill costs at most.
EVERY = 60.0


class FeatureParts:
    """Features of the photos so far, in files of consecutive rows beside the file that they will make.

    Parameters
    ----------
    paths
        Of the finished files, one for each view. The parts of one lie in the folder ``NAME.npy.parts``.
    progress
        Hears of damaged parts.
    """

    def __init__(self, paths: Sequence[Path], progress: Progress) -> None:
        self._paths = paths
        self._pending: list[list[NDArray[np.float32]]] = [[] for _ in paths]
        stored = [_read(path, progress) for path in paths]
        # A kill falls between the parts of two views too.
        self.rows = min(sum(map(len, parts)) for parts in stored)
        self._stored = [_first_rows(parts, self.rows) for parts in stored]
        self._written = time.monotonic()

    def add(self, features: Sequence[NDArray[np.float32]]) -> None:
        """Take the next rows as each view shows them, and write what has gathered if it is time.

        Raises
        ------
        StorageError
            If the disk refuses.
        """
        for pending, rows in zip(self._pending, features, strict=True):
            pending.append(rows)
        if time.monotonic() - self._written >= EVERY:
            self.write()

    def write(self) -> None:
        """Write what has gathered."""
        for number, (path, pending) in enumerate(zip(self._paths, self._pending, strict=True)):
            if pending:
                part = np.concatenate(pending)
                write_arrays(_folder(path) / f"{self.rows:09d}.npz", features=part)
                self._stored[number].append(part)
        self.rows += sum(map(len, self._pending[0]))
        self._pending = [[] for _ in self._paths]
        self._written = time.monotonic()

    def finish(self) -> None:
        """Make the finished files of all parts, and delete those."""
        for path, stored, pending in zip(self._paths, self._stored, self._pending, strict=True):
            with whole_file(path) as temporary:
                np.save(temporary, np.concatenate([*stored, *pending]))
        for path in self._paths:
            shutil.rmtree(_folder(path), ignore_errors=True)


def _folder(path: Path) -> Path:
    return path.with_name(path.name + PARTS)


def _first_rows(parts: list[NDArray[np.float32]], rows: int) -> list[NDArray[np.float32]]:
    """Cut parts off behind so many rows."""
    kept: list[NDArray[np.float32]] = []
    for part in parts:
        if (room := rows - sum(map(len, kept))) > 0:
            kept.append(part[:room])
    return kept


def _read(path: Path, progress: Progress) -> list[NDArray[np.float32]]:
    """Read the parts that follow each other without a gap."""
    parts: list[NDArray[np.float32]] = []
    while (part := _folder(path) / f"{sum(map(len, parts)):09d}.npz").is_file():
        try:
            # The archive's own checksums tell a damaged file.
            parts.append(read_arrays(part)["features"])
        except (BadData, KeyError) as error:
            progress.warn(f"{part} cannot be used ({error}), so its features are computed again.")
            break
    return parts
