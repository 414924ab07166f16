"""Where the pixels of photos come from: decoded from their files, held in memory, or read from a store."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..machine_memory import machine_memory
from .decoding import decode_photo

# Share of the machine's memory that decoded photos may take, rather than be decoded again each epoch, and bytes that
# any machine has for them. A GPU is through with small photos several times faster than they are decoded.
MEMORY_SHARE, FEWEST_BYTES = 1 / 16, 512 * 1024**2

Pixels = NDArray[np.uint8]
Rows = NDArray[np.int64]


class PhotoSource(Protocol):
    """Photos of one size, by their numbers."""

    @property
    def at_hand(self) -> bool:
        """Whether pixels need only be copied, which is too little work to be shared out photo by photo."""

    def __len__(self) -> int: ...

    def photo(self, row: int) -> Pixels:
        """Return one photo's pixels, 0 to 255, of shape (size, size, 3).

        Raises
        ------
        UnreadablePhoto
            If it cannot be decoded.
        """

    def gather(self, rows: Rows) -> Pixels:
        """Return photos of shape (rows, size, size, 3)."""


class PhotoFiles:
    """Photos that are decoded when they are asked for."""

    at_hand = False

    def __init__(self, paths: Sequence[Path], size: int) -> None:
        self._paths = paths
        self._size = size

    def __len__(self) -> int:
        return len(self._paths)

    def photo(self, row: int) -> Pixels:
        """Decode one photo."""
        return decode_photo(self._paths[row], self._size)

    def gather(self, rows: Rows) -> Pixels:
        """Decode photos one after the other."""
        return np.stack([self.photo(row) for row in rows])


class HeldPhotos:
    """Photos that are in memory."""

    at_hand = True

    def __init__(self, pixels: Pixels) -> None:
        self._pixels = pixels
        # All epochs look at these very pixels.
        self._pixels.flags.writeable = False

    @classmethod
    def decoded(cls, paths: Sequence[Path], size: int) -> HeldPhotos:
        """Decode photos, on all processors.

        Raises
        ------
        UnreadablePhoto
            If one cannot be decoded.
        """
        pixels = np.empty((len(paths), size, size, 3), np.uint8)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for row, photo in enumerate(pool.map(lambda path: decode_photo(path, size), paths)):
                pixels[row] = photo
        return cls(pixels)

    def __len__(self) -> int:
        return len(self._pixels)

    def photo(self, row: int) -> Pixels:
        """Return a view of one photo."""
        photo: Pixels = self._pixels[row]
        return photo

    def gather(self, rows: Rows) -> Pixels:
        """Copy photos."""
        pixels: Pixels = self._pixels[rows]
        return pixels


def held_or_files(paths: Sequence[Path], size: int) -> PhotoSource:
    """Decode photos now if they may be held in memory together, else each when it is asked for.

    Raises
    ------
    UnreadablePhoto
        If one cannot be decoded now.
    """
    return HeldPhotos.decoded(paths, size) if in_memory(len(paths), size) else PhotoFiles(paths, size)


def in_memory(photos: int, size: int) -> bool:
    """Whether so many photos may be held, since they do not take too much memory."""
    return photos * size * size * 3 <= memory_for_photos()


def memory_for_photos() -> int:
    """Tell how many bytes decoded photos may take in this machine's memory."""
    return max(FEWEST_BYTES, int(MEMORY_SHARE * machine_memory()))
