"""Partial features: rows in any order, written regularly, so that a killed run resumes."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import BadData
from ...inference.runtimes import Runtime
from ...progress import SILENT, Progress
from ...serialization import read_arrays, read_record, write_arrays, write_record
from ...storage import remove_file, write_file_atomically
from .files import PARTS_SUFFIX

# Seconds of work that are lost at most when a process is killed.
WRITE_SECONDS = 60.0

Rows = NDArray[np.int64]
Features = NDArray[np.float32]


@dataclass(frozen=True)
class _Part:
    """A file with some of the rows."""

    path: Path
    rows: Rows

    def read(self) -> Features:
        return np.asarray(read_arrays(self.path)["features"], np.float32)


@dataclass(frozen=True)
class _ChosenRuntime:
    runtime: Runtime


class FeatureParts:
    """Features of some photos, stored in files beside the future complete file.

    A survey of a part of the photos and a later training on all of them share these features.

    Parameters
    ----------
    path
        Path of the complete file. The parts lie in the folder ``NAME.npy.parts``.
    total
        Number of rows of the complete file.
    progress
        Receives warnings about damaged parts.

    Attributes
    ----------
    path
        Path of the complete file.
    known
        Boolean array of shape (total,) that is True for computed rows.
    """

    def __init__(self, path: Path, total: int, progress: Progress) -> None:
        self.path = path
        self._pending: list[tuple[Rows, Features]] = []
        self._written_at = time.monotonic()
        self.known = np.zeros(total, bool)
        if path.is_file():
            self.known[:] = True
            self._parts: list[_Part] = []
            return
        self._parts = _find_parts(path, total, progress)
        for part in self._parts:
            self.known[part.rows] = True

    def add(self, rows: Rows, features: Features) -> None:
        """Add computed rows, and write pending rows if it is time.

        Parameters
        ----------
        rows
            Row numbers in the complete file, shape (rows,).
        features
            Features of these rows, shape (rows, width).

        Raises
        ------
        StorageError
            If writing fails.
        """
        self._pending.append((rows, features))
        self.known[rows] = True
        if time.monotonic() - self._written_at >= WRITE_SECONDS:
            self.write()

    def write(self) -> None:
        """Write the pending rows."""
        if self._pending:
            rows = np.concatenate([rows for rows, _ in self._pending])
            # Each row is in one part only, so jobs that write other rows at the same time write other files.
            path = _build_parts_path(self.path) / f"{rows[0]:09d}.npz"
            write_arrays(path, rows=rows, features=np.concatenate([features for _, features in self._pending]))
            self._parts.append(_Part(path, rows))
        self._pending = []
        self._written_at = time.monotonic()

    def load_runtime(self) -> Runtime | None:
        """Return the runtime that computes all rows. None if it was not chosen yet."""
        try:
            return read_record(self._runtime_path, _ChosenRuntime).runtime
        except BadData:
            return None

    def save_runtime(self, runtime: Runtime) -> None:
        """Choose the runtime for the rows that are computed later, perhaps by other jobs."""
        write_record(self._runtime_path, _ChosenRuntime(runtime))

    @property
    def _runtime_path(self) -> Path:
        return _build_parts_path(self.path) / "runtime.json"

    def finish(self) -> None:
        """Write the pending rows. If no row is missing, write the complete file and delete its parts."""
        if self.path.is_file():
            return
        if not self.known.all():
            self.write()
            return
        with write_file_atomically(self.path) as temporary:
            # A memory map keeps the rows out of main memory.
            whole = None
            for rows, features in self._iterate_parts():
                if whole is None:
                    shape = (len(self.known), features.shape[1])
                    whole = np.lib.format.open_memmap(temporary, "w+", np.float32, shape)
                whole[rows] = features
            if whole is None:
                raise RuntimeError("There are no features to write.")
            whole.flush()
            del whole
        shutil.rmtree(_build_parts_path(self.path), ignore_errors=True)

    def read_rows(self, rows: Rows) -> Features:
        """Return the features of known rows in the given order, shape (rows, width)."""
        if self.path.is_file():
            stored: Features = np.load(self.path, mmap_mode="r", allow_pickle=False)
            return np.asarray(stored[rows])
        result: Features | None = None
        for part_rows, features in self._iterate_parts():
            place = np.full(len(self.known), -1)
            place[part_rows] = np.arange(len(part_rows))
            here = place[rows] >= 0
            if result is None:
                result = np.empty((len(rows), features.shape[1]), np.float32)
            result[here] = features[place[rows[here]]]
        if result is None or not self.known[rows].all():
            raise RuntimeError("Some of the requested features are not known.")
        return result

    def _iterate_parts(self) -> Iterator[tuple[Rows, Features]]:
        """Iterate over all known rows, with one part in memory at a time."""
        for part in self._parts:
            yield part.rows, part.read()
        yield from self._pending


def open_features(path: Path, total: int) -> FeatureParts:
    """Open features for reading only."""
    return FeatureParts(path, total, SILENT)


def _build_parts_path(path: Path) -> Path:
    return path.with_name(path.name + PARTS_SUFFIX)


def _find_parts(path: Path, total: int, progress: Progress) -> list[_Part]:
    """Find the parts, and delete damaged ones, which are then computed again."""
    parts = []
    for part in sorted(_build_parts_path(path).glob("*.npz")):
        try:
            parts.append(_Part(part, _read_rows(part, total)))
        except (BadData, KeyError) as error:
            progress.warn(f"{part} cannot be used ({error}), so its features are computed again.")
            remove_file(part)
    return parts


def _read_rows(part: Path, total: int) -> Rows:
    # The archive's checksums detect a damaged file.
    arrays = read_arrays(part)
    rows: Rows = arrays["rows"].astype(np.int64)
    if len(rows) != len(arrays["features"]) or rows.max(initial=0) >= total:
        raise BadData(f"{part} contains features of other photos")
    return rows
