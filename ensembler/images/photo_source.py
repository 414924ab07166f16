"""Sources of pixels: photos that are decoded on each access, or kept in memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..competition.pixels import PLAIN, PixelRule
from ..machine_limits import read_machine_memory
from .decoding import open_photo, resize_photo
from .loading.pools import open_pool, run_in_parts
from .loading.shared_arrays import SharedArray

# Share of the machine's memory that decoded photos may use, and bytes that they may always use. A GPU processes small
# photos several times faster than they are decoded, so decoding them in each epoch would slow it down.
MEMORY_SHARE, MIN_MEMORY_BYTES = 1 / 16, 512 * 1024**2

Pixels = NDArray[np.uint8]
Rows = NDArray[np.int64]


class PhotoSource(Protocol):
    """Source of photos of one size by their rows."""

    @property
    def size(self) -> int:
        """Height and width of the photos in pixels."""

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
        self._paths = [str(path) for path in paths]
        self.size = size
        self._rule = rule

    def __len__(self) -> int:
        return len(self._paths)

    def read_photo(self, row: int) -> Pixels:
        """Decode a photo."""
        return np.asarray(self.open_photo(row))

    def open_photo(self, row: int) -> Image.Image:
        """Decode a photo as an image of Pillow."""
        return resize_photo(open_photo(Path(self._paths[row]), self.size, self._rule), self.size)

    def gather(self, rows: Rows) -> Pixels:
        """Decode photos sequentially."""
        return np.stack([self.read_photo(row) for row in rows])


class InMemoryPhotos:
    """Photos that are decoded on first access and kept in memory.

    The memory is shared with the processes that decode photos, so each photo is decoded once for all of them. The first
    epoch fills it while the network trains.
    """

    def __init__(self, paths: Sequence[Path], size: int, rule: PixelRule = PLAIN) -> None:
        count = len(paths)
        shared = SharedArray.allocate((count, size, size, 3)), SharedArray.allocate((count,))
        self.__setstate__((FilePhotos(paths, size, rule), *shared))

    @classmethod
    def from_files(cls, paths: Sequence[Path], size: int, rule: PixelRule = PLAIN) -> InMemoryPhotos:
        """Return photos that are decoded now, on all processors."""
        photos = cls(paths, size, rule)
        with open_pool(len(paths)) as pool:
            shared = pool.share(photos)
            run_in_parts(pool, lambda part: pool.call(_decode_rows, shared, part), len(paths), list).result()
        return photos

    def __getstate__(self) -> tuple[FilePhotos, Any, Any]:
        return self._files, self._shared_pixels, self._shared_flags

    def __setstate__(self, state: tuple[FilePhotos, Any, Any]) -> None:
        self._files, self._shared_pixels, self._shared_flags = state
        self._pixels, self._flags = np.asarray(self._shared_pixels), np.asarray(self._shared_flags)
        self.size = self._files.size

    @property
    def is_decoded(self) -> bool:
        """Whether all photos were decoded."""
        return bool(self._flags.all())

    def __len__(self) -> int:
        return len(self._pixels)

    def read_photo(self, row: int) -> Pixels:
        """Return a view of a photo, after decoding it if nobody did."""
        if not self._flags[row]:
            self._pixels[row] = self._files.read_photo(row)
            # Two processes that decode the same photo at once write the same pixels.
            self._flags[row] = True
        photo: Pixels = self._pixels[row]
        # All epochs share these pixels.
        photo.flags.writeable = False
        return photo

    def gather(self, rows: Rows) -> Pixels:
        """Copy photos."""
        for row in rows[self._flags[rows] == 0]:
            self.read_photo(int(row))
        pixels: Pixels = self._pixels[rows]
        return pixels


def _decode_rows(photos: InMemoryPhotos, rows: range) -> None:
    for row in rows:
        photos.read_photo(row)


def make_photo_source(paths: Sequence[Path], size: int, rule: PixelRule = PLAIN) -> PhotoSource:
    """Return photos that are kept in memory if they fit, or else decoded on each access."""
    return (InMemoryPhotos if can_fit_in_memory(len(paths), size) else FilePhotos)(paths, size, rule)


def can_fit_in_memory(photos: int, size: int) -> bool:
    """Return whether decoded photos fit within the memory limit."""
    return photos * size * size * 3 <= compute_memory_limit()


def compute_memory_limit() -> int:
    """Return the number of bytes that decoded photos may use on this machine."""
    return max(MIN_MEMORY_BYTES, int(MEMORY_SHARE * read_machine_memory()))
