"""Features on their way: rows in any order, put down every now and then, so that a killed run goes on from there."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import BadData
from ...progress import SILENT, Progress
from ...serialization import read_arrays, write_arrays
from ...storage import remove_file, write_file_atomically
from .files import PARTS_SUFFIX

# Seconds of work that a kill costs at most.
WRITE_SECONDS = 60.0

Rows = NDArray[np.int64]
Features = NDArray[np.float32]


@dataclass(frozen=True)
class _Part:
    """A file of some rows."""

    path: Path
    rows: Rows

    def read(self) -> Features:
        return np.asarray(read_arrays(self.path)["features"], np.float32)


class FeatureParts:
    """Features of some photos, in files beside the one that all of them will make.

    Who looks at a part of the photos alone, and who looks at all of them later, share what was computed.

    Parameters
    ----------
    path
        Of the finished file. The parts lie in the folder ``NAME.npy.parts``.
    total
        Rows of the finished file.
    progress
        Hears of damaged parts.

    Attributes
    ----------
    known
        Whether each row was computed, shape (total,).
    """

    def __init__(self, path: Path, total: int, progress: Progress) -> None:
        self._path = path
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
        """Take what was computed of some rows, and write what has gathered if it is time.

        Parameters
        ----------
        rows
            Their numbers in the finished file, shape (rows,).
        features
            Shape (rows, width).

        Raises
        ------
        StorageError
            If the disk refuses.
        """
        self._pending.append((rows, features))
        self.known[rows] = True
        if time.monotonic() - self._written_at >= WRITE_SECONDS:
            self.write()

    def write(self) -> None:
        """Write what has gathered."""
        if self._pending:
            rows = np.concatenate([rows for rows, _ in self._pending])
            number = 1 + max((int(part.path.stem) for part in self._parts), default=-1)
            path = _build_parts_path(self._path) / f"{number:06d}.npz"
            write_arrays(path, rows=rows, features=np.concatenate([features for _, features in self._pending]))
            self._parts.append(_Part(path, rows))
        self._pending = []
        self._written_at = time.monotonic()

    def finish(self) -> None:
        """Write what has gathered; make the finished file where no row is missing, and delete its parts."""
        if self._path.is_file():
            return
        if not self.known.all():
            self.write()
            return
        with write_file_atomically(self._path) as temporary:
            # Row by row into a file, not all of them in memory.
            whole = None
            for rows, features in self._iterate_parts():
                if whole is None:
                    shape = (len(self.known), features.shape[1])
                    whole = np.lib.format.open_memmap(temporary, "w+", np.float32, shape)
                whole[rows] = features
            if whole is None:
                raise RuntimeError("Features of no photos were to be kept.")
            whole.flush()
            del whole
        shutil.rmtree(_build_parts_path(self._path), ignore_errors=True)

    def read_rows(self, rows: Rows) -> Features:
        """Return the features of some rows that are known, shape (rows, width), in their order."""
        if self._path.is_file():
            stored: Features = np.load(self._path, mmap_mode="r", allow_pickle=False)
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
            raise RuntimeError("Features were asked for that are not known.")
        return result

    def _iterate_parts(self) -> Iterator[tuple[Rows, Features]]:
        """Go through all that is known, a part at a time in memory."""
        for part in self._parts:
            yield part.rows, part.read()
        yield from self._pending


def open_features(path: Path, total: int) -> FeatureParts:
    """Return what is known of features, to read from it alone."""
    return FeatureParts(path, total, SILENT)


def _build_parts_path(path: Path) -> Path:
    return path.with_name(path.name + PARTS_SUFFIX)


def _find_parts(path: Path, total: int, progress: Progress) -> list[_Part]:
    """Find the parts; damaged ones are deleted, and computed again."""
    parts = []
    for part in sorted(_build_parts_path(path).glob("*.npz")):
        try:
            parts.append(_Part(part, _read_rows(part, total)))
        except (BadData, KeyError) as error:
            progress.warn(f"{part} cannot be used ({error}), so its features are computed again.")
            remove_file(part)
    return parts


def _read_rows(part: Path, total: int) -> Rows:
    # The archive's own checksums tell a damaged file.
    arrays = read_arrays(part)
    rows: Rows = arrays["rows"].astype(np.int64)
    if len(rows) != len(arrays["features"]) or rows.max(initial=0) >= total:
        raise BadData(f"{part} holds features of other photos")
    return rows
