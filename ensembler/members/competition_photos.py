"""A competition's photos for a member's job: the labelled photos, followed by the readable photos to predict."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np

from ..competition.pixels import PixelRule
from ..competition.tables import Tables
from ..images.cache_policy import MIN_SECONDS_SAVED, compute_store_bytes, estimate_seconds_saved, make_room, mark_used
from ..images.photo_source import FilePhotos, PhotoSource, Rows, make_photo_source
from ..images.photo_store import PhotoStore
from ..images.row_photos import RowPhotos
from ..paths import CompetitionFolder
from ..progress import Progress
from ..storage import remove_folder
from .job_locks import wait_for_lock
from .training_job import TrainingJob


class CompetitionPhotos:
    """Photos at one size, read from a store of decoded photos if one exists or saves time.

    Parameters
    ----------
    folder, tables
        Folder and tables of the competition.
    samples
        Hash of the photos. Each hash has its own store.
    size
        Height and width in pixels.
    decodings
        Number of photos that all jobs of the call would decode at this size without a store.
    cache_limit
        Maximum size of all stores in bytes. None allows half of the free space.
    """

    def __init__(
        self,
        folder: CompetitionFolder,
        tables: Tables,
        samples: str,
        size: int,
        progress: Progress,
        *,
        decodings: int = 0,
        cache_limit: int | None = None,
    ) -> None:
        self._rows = RowPhotos.list_all(tables)
        self._rule = tables.manifest.pixels
        self._folder = folder
        self._store_folder = folder.pixels / samples
        self._size = size
        self._decodings = decodings
        self._cache_limit = cache_limit
        self._progress = progress

    def __len__(self) -> int:
        """Return the number of rows of both tables."""
        return len(self._rows)

    def select_photos(self, rows: Rows) -> PhotoSource:
        """Return photos that are read once."""
        return self._open_photos(rows, FilePhotos)

    def select_training_photos(self, rows: Rows) -> PhotoSource:
        """Return photos that are read in each epoch. Without a store, they are kept in memory if they fit."""
        return self._open_photos(rows, make_photo_source)

    def _open_photos(self, rows: Rows, read_files: Callable[[list[Path], int, PixelRule], PhotoSource]) -> PhotoSource:
        """Return photos of the store if there is one, after decoding those that are missing in it.

        Jobs on several GPUs or machines decode different photos at the same time, so no lock is held for all of them.
        """
        photos = self._rows.select(rows)
        if not self._uses_store:
            return photos.rotate(read_files(photos.files, self._size, self._rule))
        store = self._make_store(self._size)
        store.fill([self._size], self._progress, photos.numbers)
        return photos.rotate(store.open_photos(self._size, photos.numbers))

    def _make_store(self, size: int | str) -> PhotoStore:
        return PhotoStore(self._store_folder, self._rows.files, self._rule, self._folder.lock(f"pixels-{size}"))

    @cached_property
    def _uses_store(self) -> bool:
        """Whether a store exists or saves time, and fits on the disk."""
        store, size = self._make_store(self._size), self._size
        with wait_for_lock(self._folder, "pixels", f"the store of photos at {size} pixels", self._progress):
            if self._cache_limit == 0:
                remove_folder(self._folder.pixels)
                return False
            missing = store.count_missing(size)
            saved = MIN_SECONDS_SAVED
            if missing:
                saved = estimate_seconds_saved(self._rows.files, size, missing, self._decodings, self._rule)
            if saved < MIN_SECONDS_SAVED:
                return False
            if not self._make_room(compute_store_bytes(missing, size)):
                # An existing store may exceed the limit by now.
                if not store.is_being_filled():
                    remove_folder(self._store_folder / str(size))
                return False
            if missing:
                self._progress.note(
                    f"{missing} photos are decoded once at {size} pixels, which saves about {saved:.0f} s. They take "
                    f"{compute_store_bytes(missing, size) / 1e9:.2g} GB in {self._store_folder} (--cache-limit).",
                    detail=True,
                )
            mark_used(self._store_folder, size)
        return True

    def _make_room(self, needed: int) -> bool:
        def is_in_use(size: str) -> bool:
            return self._make_store(size).is_being_filled()

        return make_room(self._store_folder, self._size, needed, self._cache_limit, is_in_use)


def make_competition_photos(job: TrainingJob, progress: Progress) -> CompetitionPhotos:
    """Return the competition's photos at the member's image size."""
    return CompetitionPhotos(
        job.folder,
        job.tables,
        job.record.samples,
        job.record.settings.image_size,
        progress,
        decodings=job.decodings,
        cache_limit=job.cache_limit,
    )


def list_test_rows(tables: Tables) -> Rows:
    """Return the row numbers of the readable photos to predict."""
    first = len(tables.train_paths)
    return np.arange(first, first + len(tables.test_paths))
