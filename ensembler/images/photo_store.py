"""Decoded photos in files, mapped into memory: what decodes once, and reads as fast as the disk or its cache does."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from ..process_memory import let_go
from ..progress import Progress
from ..storage import sweep, whole_file
from .decoding import decode_at_sizes, decode_photo
from .photo_source import Pixels, Rows

# Photos a file: few enough that little is lost when the making of one is cut off.
FILE_PHOTOS = 256


class PhotoStore:
    """Photos at several sizes, each size in a folder of its name, whose files hold some photos each, in order.

    A file is there whole or not at all; to delete one costs the time to decode its photos again, no more.

    Parameters
    ----------
    folder
        Of these very photos in this very order.
    paths
        Their files.
    """

    def __init__(self, folder: Path, paths: Sequence[Path]) -> None:
        self._folder = folder
        self._paths = paths

    def photos(self, size: int, rows: Rows | None = None) -> StoredPhotos:
        """Return photos of one size; ``rows`` numbers some of them, None is all."""
        count = len(self._paths)
        files = [self._opened(size, number) for number in range(math.ceil(count / FILE_PHOTOS))]
        return StoredPhotos(files, self._paths, size, np.arange(count) if rows is None else rows)

    def missing(self, size: int) -> int:
        """Count the photos that are not there at this size."""
        return sum(len(self._rows(number)) for number in self._missing(size))

    def fill(self, sizes: Sequence[int], progress: Progress) -> None:
        """Decode the photos that are missing, on all processors, each file read once for all ``sizes``.

        Raises
        ------
        UnreadablePhoto
            If one cannot be decoded.
        StorageError
            If the disk refuses.
        Interrupted
            If the work should end; finished files stay.
        """
        for size in sizes:
            sweep(self._folder / str(size))
        lacking = {size: self._missing(size) for size in sizes}
        wanted = sorted(set().union(*lacking.values()))
        if not wanted:
            return
        words = f"decode photos at {', '.join(map(str, sizes))} pixels"
        task = progress.start(words, sum(len(self._rows(number)) for number in wanted))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for number in wanted:
                progress.go_on("in the decoding of photos")
                self._make(number, [size for size in sizes if number in lacking[size]], pool)
                task.advance(len(self._rows(number)))
        task.finish()

    def _make(self, number: int, sizes: Sequence[int], pool: ThreadPoolExecutor) -> None:
        rows = self._rows(number)
        with contextlib.ExitStack() as files:
            made = []
            for size in sizes:
                file = files.enter_context(whole_file(self._file(size, number)))
                shape = (len(rows), size, size, 3)
                made.append(np.lib.format.open_memmap(file, "w+", np.uint8, shape))

            def decode(place: int) -> None:
                pixels = decode_at_sizes(self._paths[rows[place]], sizes)
                for file, photo in zip(made, pixels, strict=True):
                    file[place] = photo

            list(pool.map(decode, range(len(rows))))
            for mapped in made:
                mapped.flush()

    def _missing(self, size: int) -> set[int]:
        count = math.ceil(len(self._paths) / FILE_PHOTOS)
        return {number for number in range(count) if self._opened(size, number) is None}

    def _opened(self, size: int, number: int) -> Pixels | None:
        """Map a file into memory; None if it is not there, or not what it should be."""
        try:
            pixels = np.load(self._file(size, number), mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError):
            return None
        return pixels if pixels.shape == (len(self._rows(number)), size, size, 3) else None

    def _file(self, size: int, number: int) -> Path:
        return self._folder / str(size) / f"{number:05}.npy"

    def _rows(self, number: int) -> range:
        return range(number * FILE_PHOTOS, min((number + 1) * FILE_PHOTOS, len(self._paths)))


class StoredPhotos:
    """Photos in a store; one whose file is missing is decoded."""

    def __init__(self, files: Sequence[Pixels | None], paths: Sequence[Path], size: int, rows: Rows) -> None:
        self._files = files
        self._paths = paths
        self._size = size
        self._rows = rows
        self.at_hand = all(files[number] is not None for number in np.unique(rows // FILE_PHOTOS))

    def __len__(self) -> int:
        return len(self._rows)

    def photo(self, row: int) -> Pixels:
        """Copy one photo."""
        pixels: Pixels = self.gather(np.array([row]))[0]
        return pixels

    def gather(self, rows: Rows) -> Pixels:
        """Copy photos."""
        pixels = np.empty((len(rows), self._size, self._size, 3), np.uint8)
        read: dict[int, Pixels] = {}
        for place, row in enumerate(self._rows[rows]):
            number, within = divmod(int(row), FILE_PHOTOS)
            file = self._files[number]
            if file is None:
                pixels[place] = decode_photo(self._paths[row], self._size)
            else:
                pixels[place] = file[within]
                read[number] = file
        for file in read.values():
            let_go(file)
        return pixels
