"""Photos of the rows of a table, several of which may be rotations of one photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from .photo_source import PhotoSource, Pixels, Rows

if TYPE_CHECKING:
    # Processes that decode photos rotate them too. They do not load pandas.
    from ..competition.tables import Tables


@dataclass(frozen=True)
class RowPhotos:
    """The photo of each row of a table. A photo that several rows rotate is one file, which is decoded once.

    Attributes
    ----------
    files
        Paths of the photos, each once.
    numbers
        Numbers of these photos among those of the whole table, shape (files,).
    places
        Index in ``files`` for each row, shape (rows,).
    turns
        Quarter turns counter-clockwise of each row, shape (rows,). None if each row is a photo as it is.
    """

    files: list[Path]
    numbers: Rows
    places: Rows
    turns: Rows | None = None

    @classmethod
    def list_rows(cls, paths: Sequence[Path], turns: Rows | None = None) -> Self:
        """Return the photos of all rows of a table."""
        if turns is None:
            rows = np.arange(len(paths))
            return cls(list(paths), rows, rows)
        files = {path: number for number, path in enumerate(dict.fromkeys(paths))}
        places = np.array([files[path] for path in paths], np.int64)
        return cls(list(files), np.arange(len(files)), places, turns)

    @classmethod
    def list_all(cls, tables: Tables) -> Self:
        """Return the training photos, followed by the readable test photos."""
        paths = tables.train_paths + tables.test_paths
        if tables.train_turns is None or tables.test_turns is None:
            return cls.list_rows(paths)
        return cls.list_rows(paths, np.concatenate([tables.train_turns, tables.test_turns]))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.places)

    def select(self, rows: Rows) -> Self:
        """Return the photos of some rows, in the order of these rows."""
        if self.turns is None:
            used, places = self.places[rows], np.arange(len(rows))
        else:
            used, places = np.unique(self.places[rows], return_inverse=True)
        turns = None if self.turns is None else self.turns[rows]
        return type(self)([self.files[place] for place in used], self.numbers[used], places, turns)

    def rotate(self, photos: PhotoSource) -> PhotoSource:
        """Return the source of the rows' pixels. ``photos`` is a source of ``files``."""
        return photos if self.turns is None else RotatedPhotos(photos, self.places, self.turns)


class RotatedPhotos:
    """Photos of another source, rotated by quarter turns counter-clockwise.

    Decoded photos are square, so a quarter turn only moves pixels: nothing is lost, and no corner is empty.

    Parameters
    ----------
    photos
        Source of the photos.
    places, turns
        Row of ``photos`` and number of quarter turns for each row of this source, shape (rows,).
    """

    def __init__(self, photos: PhotoSource, places: Rows, turns: Rows) -> None:
        self._photos = photos
        self._places = places
        self._turns = turns

    @property
    def size(self) -> int:
        """Height and width of the photos."""
        return self._photos.size

    @property
    def is_decoded(self) -> bool:
        """Whether the other source only copies pixels."""
        return self._photos.is_decoded

    def __len__(self) -> int:
        return len(self._places)

    def read_photo(self, row: int) -> Pixels:
        """Read and rotate a photo."""
        return np.ascontiguousarray(np.rot90(self._photos.read_photo(int(self._places[row])), self._turns[row]))

    def gather(self, rows: Rows) -> Pixels:
        """Read and rotate photos."""
        return np.stack([self.read_photo(row) for row in rows])
