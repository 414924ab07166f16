"""Store of decoded photos in memory-mapped files, which are read at the speed of the disk or its cache."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..competition.pixels import PLAIN, PixelRule
from ..errors import Busy
from ..locks import describe_holder, hold_lock
from ..process_memory import release_pages
from ..progress import Progress
from ..storage import remove_unfinished, reserve_space, write_file_atomically
from .decoding import decode_at_sizes
from .loading.pools import Pool, open_pool, run_in_parts
from .photo_source import FilePhotos, Pixels, Rows

# Photos per file, few enough that an interruption loses little.
PHOTOS_PER_FILE = 256
# Seconds between two looks at files that other processes write.
_POLL_SECONDS = 0.2


class PhotoStore:
    """Store of decoded photos at several sizes.

    Each size has a folder of files with :data:`PHOTOS_PER_FILE` photos each. Files are written atomically. A deleted
    file is decoded again.

    Parameters
    ----------
    folder
        Folder of the store, which belongs to these photos in this order.
    paths
        Paths of the photos.
    rule
        The competition's rule of pixels.
    locks
        Folder of the locks of files, if several processes may fill the store at once.
    """

    def __init__(self, folder: Path, paths: Sequence[Path], rule: PixelRule = PLAIN, locks: Path | None = None) -> None:
        self._folder = folder
        self._locks = locks
        self._paths = paths
        self._rule = rule
        starts = range(0, len(paths), PHOTOS_PER_FILE)
        self._rows_of_files = [range(start, min(start + PHOTOS_PER_FILE, len(paths))) for start in starts]

    def open_photos(self, size: int, rows: Rows | None = None) -> StoredPhotos:
        """Return photos of one size. ``rows`` selects photos, None selects all."""
        files = [self._open_file(size, number) for number in range(len(self._rows_of_files))]
        wanted = np.arange(len(self._paths)) if rows is None else rows
        return StoredPhotos(files, self._paths, size, wanted, self._rule)

    def count_missing(self, size: int) -> int:
        """Return the number of photos that are not stored at this size."""
        return sum(len(self._rows_of_files[number]) for number in self._find_missing_files(size))

    def fill(self, sizes: Sequence[int], progress: Progress, rows: Rows | None = None) -> None:
        """Decode missing photos on all processors, each once for all ``sizes``.

        Processes that fill the same store divide its files among themselves: each file is written by one of them, and
        the others wait for it at the end. An interruption keeps the finished files.

        Parameters
        ----------
        rows
            Photos that are needed. Whole files are written. None means all.
        """
        for size in sizes:
            remove_unfinished(self._folder / str(size))
        needed = range(len(self._rows_of_files)) if rows is None else np.unique(rows // PHOTOS_PER_FILE).tolist()
        missing = set().union(*(self._find_missing_files(size) for size in sizes))
        file_numbers = [number for number in needed if number in missing]
        if not file_numbers:
            return
        label = f"decode photos at {', '.join(map(str, sizes))} pixels"
        task = progress.start(label, sum(len(self._rows_of_files[number]) for number in file_numbers))
        with open_pool(sum(len(self._rows_of_files[number]) for number in file_numbers)) as pool:
            while file_numbers:
                busy = []
                for number in file_numbers:
                    progress.raise_if_stopping("in the decoding of photos")
                    if self._try_to_write(number, sizes, pool):
                        task.advance(len(self._rows_of_files[number]))
                    else:
                        busy.append(number)
                if len(busy) == len(file_numbers):
                    time.sleep(_POLL_SECONDS)
                file_numbers = busy
        task.finish()

    def is_being_filled(self) -> bool:
        """Return whether a process writes files of this store."""
        return self._locks is not None and any(map(describe_holder, self._locks.glob("[0-9]" * 5)))

    def _try_to_write(self, number: int, sizes: Sequence[int], pool: Pool) -> bool:
        """Write a file unless it exists. Return False if another process is writing it."""
        with contextlib.ExitStack() as stack:
            if self._locks:
                try:
                    stack.enter_context(hold_lock(self._locks / f"{number:05}", f"file {number} of {self._folder}"))
                except Busy:
                    return False
            missing = [size for size in sizes if self._open_file(size, number) is None]
            if missing:
                self._write_files(number, missing, pool)
        return True

    def _write_files(self, number: int, sizes: Sequence[int], pool: Pool) -> None:
        rows = self._rows_of_files[number]
        with contextlib.ExitStack() as files:
            written = []
            for size in sizes:
                file = files.enter_context(write_file_atomically(self._build_path(size, number)))
                np.lib.format.open_memmap(file, "w+", np.uint8, (len(rows), size, size, 3))
                with file.open("r+b") as opened:
                    reserve_space(opened.fileno(), file.stat().st_size, str(self._build_path(size, number)))
                written.append(file)

            def decode(part: range) -> None:
                paths = self._paths[rows[part.start] : rows[part.stop - 1] + 1]
                pool.call(_write_photos, paths, sizes, self._rule, written, part.start)

            run_in_parts(pool, decode, len(rows), list).result()

    def _find_missing_files(self, size: int) -> set[int]:
        return {number for number in range(len(self._rows_of_files)) if self._open_file(size, number) is None}

    def _open_file(self, size: int, number: int) -> Pixels | None:
        """Map a file into memory. Return None if it is missing, damaged or of another shape."""
        pixels = _map_file(self._build_path(size, number))
        return (
            pixels if pixels is not None and pixels.shape == (len(self._rows_of_files[number]), size, size, 3) else None
        )

    def _build_path(self, size: int, number: int) -> Path:
        return self._folder / str(size) / f"{number:05}.npy"


class StoredPhotos:
    """Photos of a store at one size. Photos whose file is missing are decoded."""

    def __init__(
        self, files: Sequence[Pixels | None], paths: Sequence[Path], size: int, rows: Rows, rule: PixelRule
    ) -> None:
        self._files = files
        self._missing = FilePhotos(paths, size, rule)
        self._rows = rows
        self.size = size
        self.is_decoded = all(files[number] is not None for number in np.unique(rows // PHOTOS_PER_FILE))

    def __getstate__(self) -> dict[str, Any]:
        # Other processes map the files themselves.
        return {**self.__dict__, "_files": [getattr(file, "filename", None) for file in self._files]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({**state, "_files": [path and _map_file(path) for path in state["_files"]]})

    def __len__(self) -> int:
        return len(self._rows)

    def read_photo(self, row: int) -> Pixels:
        """Copy a photo."""
        pixels: Pixels = self.gather(np.array([row]))[0]
        return pixels

    def gather(self, rows: Rows) -> Pixels:
        """Copy photos."""
        pixels = np.empty((len(rows), self.size, self.size, 3), np.uint8)
        files_read: dict[int, Pixels] = {}
        for place, row in enumerate(self._rows[rows]):
            number, within = divmod(int(row), PHOTOS_PER_FILE)
            file = self._files[number]
            if file is None:
                pixels[place] = self._missing.read_photo(int(row))
            else:
                pixels[place] = file[within]
                files_read[number] = file
        for file in files_read.values():
            release_pages(file)
        return pixels


def _map_file(path: Path) -> Pixels | None:
    """Map a file into memory. Return None if it is missing or damaged."""
    try:
        pixels: Pixels = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError):
        return None
    return pixels


def _write_photos(
    paths: Sequence[Path], sizes: Sequence[int], rule: PixelRule, files: Sequence[Path], first: int
) -> None:
    """Decode photos into files that exist, from their row ``first`` on."""
    arrays: list[Pixels] = [np.load(file, mmap_mode="r+", allow_pickle=False) for file in files]
    for place, path in enumerate(paths, first):
        for array, photo in zip(arrays, decode_at_sizes(path, sizes, rule), strict=True):
            array[place] = photo
