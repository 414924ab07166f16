"""Decoded photos in memory-mapped files: decoded once, then read at the speed of the disk or its cache."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from ..process_memory import release_pages
from ..progress import Progress
from ..storage import remove_unfinished, write_file_atomically
from .decoding import decode_at_sizes, decode_photo
from .photo_source import Pixels, Rows

# Photos a file: few enough that an interruption loses little.
PHOTOS_PER_FILE = 256


class PhotoStore:
    """Photos at several sizes, each size in a folder of its name, whose files hold some photos each, in order.

    A file is there whole or not at all; a deleted one only costs the time to decode its photos again. ``folder``
    belongs to the photos ``paths`` in this order.
    """

    def __init__(self, folder: Path, paths: Sequence[Path]) -> None:
        self._folder = folder
        self._paths = paths

    def open_photos(self, size: int, rows: Rows | None = None) -> StoredPhotos:
        """Return photos of one size; ``rows`` numbers some of them, None is all."""
        count = len(self._paths)
        files = [self._open_file(size, number) for number in range(math.ceil(count / PHOTOS_PER_FILE))]
        return StoredPhotos(files, self._paths, size, np.arange(count) if rows is None else rows)

    def count_missing(self, size: int) -> int:
        """Count the photos that are not there at this size."""
        return sum(len(self._list_rows(number)) for number in self._find_missing_files(size))

    def fill(self, sizes: Sequence[int], progress: Progress) -> None:
        """Decode the photos that are missing, on all processors, each file read once for all ``sizes``.

        Finished files stay if it is interrupted.
        """
        for size in sizes:
            remove_unfinished(self._folder / str(size))
        missing = {size: self._find_missing_files(size) for size in sizes}
        file_numbers = sorted(set().union(*missing.values()))
        if not file_numbers:
            return
        label = f"decode photos at {', '.join(map(str, sizes))} pixels"
        task = progress.start(label, sum(len(self._list_rows(number)) for number in file_numbers))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for number in file_numbers:
                progress.raise_if_stopping("in the decoding of photos")
                self._write_files(number, [size for size in sizes if number in missing[size]], pool)
                task.advance(len(self._list_rows(number)))
        task.finish()

    def _write_files(self, number: int, sizes: Sequence[int], pool: ThreadPoolExecutor) -> None:
        rows = self._list_rows(number)
        with contextlib.ExitStack() as files:
            arrays = []
            for size in sizes:
                file = files.enter_context(write_file_atomically(self._build_path(size, number)))
                shape = (len(rows), size, size, 3)
                arrays.append(np.lib.format.open_memmap(file, "w+", np.uint8, shape))

            def decode(place: int) -> None:
                pixels = decode_at_sizes(self._paths[rows[place]], sizes)
                for file, photo in zip(arrays, pixels, strict=True):
                    file[place] = photo

            list(pool.map(decode, range(len(rows))))
            for mapped in arrays:
                mapped.flush()

    def _find_missing_files(self, size: int) -> set[int]:
        count = math.ceil(len(self._paths) / PHOTOS_PER_FILE)
        return {number for number in range(count) if self._open_file(size, number) is None}

    def _open_file(self, size: int, number: int) -> Pixels | None:
        """Map a file into memory; None if it is not there, or not what it should be."""
        try:
            pixels = np.load(self._build_path(size, number), mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError):
            return None
        return pixels if pixels.shape == (len(self._list_rows(number)), size, size, 3) else None

    def _build_path(self, size: int, number: int) -> Path:
        return self._folder / str(size) / f"{number:05}.npy"

    def _list_rows(self, number: int) -> range:
        return range(number * PHOTOS_PER_FILE, min((number + 1) * PHOTOS_PER_FILE, len(self._paths)))


class StoredPhotos:
    """Photos in a store; one whose file is missing is decoded."""

    def __init__(self, files: Sequence[Pixels | None], paths: Sequence[Path], size: int, rows: Rows) -> None:
        self._files = files
        self._paths = paths
        self._size = size
        self._rows = rows
        self.is_decoded = all(files[number] is not None for number in np.unique(rows // PHOTOS_PER_FILE))

    def __len__(self) -> int:
        return len(self._rows)

    def read_photo(self, row: int) -> Pixels:
        """Copy one photo."""
        pixels: Pixels = self.gather(np.array([row]))[0]
        return pixels

    def gather(self, rows: Rows) -> Pixels:
        """Copy photos."""
        pixels = np.empty((len(rows), self._size, self._size, 3), np.uint8)
        files_read: dict[int, Pixels] = {}
        for place, row in enumerate(self._rows[rows]):
            number, within = divmod(int(row), PHOTOS_PER_FILE)
            file = self._files[number]
            if file is None:
                pixels[place] = decode_photo(self._paths[row], self._size)
            else:
                pixels[place] = file[within]
                files_read[number] = file
        for file in files_read.values():
            release_pages(file)
        return pixels
