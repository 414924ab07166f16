"""Sources of pixels: photos that are decoded on each access, or kept in memory."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..competition.pixels import PLAIN, PixelRule
from ..machine_memory import read_machine_memory
from .decoding import decode_photo

# Share of the machine's memory that decoded photos may use, and bytes that they may always use. A GPU processes small
# photos several times faster than they are decoded, so decoding them in each epoch would slow it down.
MEMORY_SHARE, MIN_MEMORY_BYTES = 1 / 16, 512 * 1024**2

Pixels = NDArray[np.uint8]
Rows = NDArray[np.int64]


class PhotoSource(Protocol):
    """Source of photos of one size by their rows."""

    @property
    def is_decoded(self) -> bool:
        """Whether access only copies pixels, which is too little work for several threads."""

    def __len__(self) -> int: ...

    def read_photo(self, row: int) -> Pixels:
        """Return a photo as an array of shape (size, size, 3) from 0 to 255.

        Raises
        ------
        UnreadablePhoto
            If the photo cannot be decoded.
        """

    def gather(self, rows: Rows) -> Pixels:
        """Return photos as an array of shape (rows, size, size, 3)."""


class FilePhotos:
    """Photos that are decoded on each access."""

    is_decoded = False

    def __init__(self, paths: Sequence[Path], size: int, rule: PixelRule = PLAIN) -> None:
        self._paths = paths
        self._size = size
        self._rule = rule

    def __len__(self) -> int:
        return len(self._paths)

    def read_photo(self, row: int) -> Pixels:
        """Decode a photo."""
        return decode_photo(self._paths[row], self._size, self._rule)

    def gather(self, rows: Rows) -> Pixels:
        """Decode photos sequentially."""
        return np.stack([self.read_photo(row) for row in rows])


class InMemoryPhotos:
    """Photos that are kept in memory."""

    is_decoded = True

    def __init__(self, pixels: Pixels) -> None:
        self._pixels = pixels
        # All epochs share these pixels.
        self._pixels.flags.writeable = False

    @classmethod
    def from_files(cls, paths: Sequence[Path], size: int, rule: PixelRule = PLAIN) -> InMemoryPhotos:
        """Decode photos on all processors."""
        pixels = np.empty((len(paths), size, size, 3), np.uint8)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for row, photo in enumerate(pool.map(lambda path: decode_photo(path, size, rule), paths)):
                pixels[row] = photo
        return cls(pixels)

    def __len__(self) -> int:
        return len(self._pixels)

    def read_photo(self, row: int) -> Pixels:
        """Return a view of a photo."""
        photo: Pixels = self._pixels[row]
        return photo

    def gather(self, rows: Rows) -> Pixels:
        """Copy photos."""
        pixels: Pixels = self._pixels[rows]
        return pixels


def make_photo_source(paths: Sequence[Path], size: int, rule: PixelRule = PLAIN) -> PhotoSource:
    """Return photos that are decoded now if they fit into memory, or else on each access."""
    make = InMemoryPhotos.from_files if can_fit_in_memory(len(paths), size) else FilePhotos
    return make(paths, size, rule)


def can_fit_in_memory(photos: int, size: int) -> bool:
    """Return whether decoded photos fit within the memory limit."""
    return photos * size * size * 3 <= compute_memory_limit()


def compute_memory_limit() -> int:
    """Return the number of bytes that decoded photos may use on this machine."""
    return max(MIN_MEMORY_BYTES, int(MEMORY_SHARE * read_machine_memory()))
