"""Photos decoded once for many networks, at every size that one of them wants, in files that are deleted afterwards."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress
from .batches import Pixels, pixel_batches
from .decoding import open_photo, resized

# Bytes of decoded photos at most, and as a share of what is free on the disk.
LIMIT, LIMIT_SHARE = 8 * 1024**3, 0.5
# Photos that are decoded between two looks at whether to go on.
AT_ONCE = 64


class PixelStore:
    """Decoded photos of several sizes; a context manager, whose end deletes them.

    Sizes that do not fit into the room are not kept: their photos are decoded by whoever wants them.

    Parameters
    ----------
    paths
        Of the photos.
    sizes
        Heights and widths in pixels.
    folder
        Where the files may lie; it is made.
    limit
        Bytes at most; None is 8 GB, or half of what is free if that is less.
    """

    def __init__(self, paths: Sequence[Path], sizes: Sequence[int], folder: Path, limit: int | None = None) -> None:
        self._paths = paths
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        room = min(LIMIT, int(LIMIT_SHARE * shutil.disk_usage(folder).free)) if limit is None else limit
        self.sizes = _fitting(sorted(set(sizes)), len(paths), room)
        self._pixels: dict[int, NDArray[np.uint8]] = {}

    def __enter__(self) -> Self:
        self._temporary = tempfile.TemporaryDirectory(prefix="pixels-", dir=self._folder)
        for size in self.sizes if self._paths else ():
            file = Path(self._temporary.name) / f"{size}.npy"
            shape = (len(self._paths), size, size, 3)
            self._pixels[size] = np.lib.format.open_memmap(file, "w+", np.uint8, shape)
        return self

    def __exit__(self, *error: object) -> None:
        del error
        self._pixels.clear()
        self._temporary.cleanup()

    def fill(self, progress: Progress) -> None:
        """Decode all photos, each file read and decoded once for all sizes.

        Raises
        ------
        UnreadablePhoto
            If one cannot be decoded.
        Interrupted
            If the work should end.
        """
        if not self._pixels:
            return
        task = progress.start(f"decode photos at {', '.join(map(str, self.sizes))} pixels", len(self._paths))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for start in range(0, len(self._paths), AT_ONCE):
                progress.go_on("in the decoding of photos")
                rows = range(start, min(start + AT_ONCE, len(self._paths)))
                list(pool.map(self._decode, rows))
                task.advance(len(rows))
        task.finish()

    def _decode(self, row: int) -> None:
        photo = open_photo(self._paths[row])
        for size, pixels in self._pixels.items():
            pixels[row] = np.asarray(resized(photo, size))

    def batches(self, size: int, rows: NDArray[np.int64], batch_size: int) -> Iterator[Pixels]:
        """Give some photos in batches, shape (batch, size, size, 3).

        Parameters
        ----------
        rows
            Places among the paths.
        """
        if size not in self._pixels:
            yield from pixel_batches([self._paths[row] for row in rows], size, batch_size)
            return
        for start in range(0, len(rows), batch_size):
            yield self._pixels[size][rows[start : start + batch_size]]


def _fitting(sizes: Sequence[int], photos: int, room: int) -> list[int]:
    """Return as many of the sizes, from the smallest on, as there is room for."""
    kept: list[int] = []
    for size in sizes:
        room -= photos * size * size * 3
        if room < 0:
            break
        kept.append(size)
    return kept
