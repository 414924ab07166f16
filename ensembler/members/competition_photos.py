"""A competition's photos as a member's job sees them: labelled ones first, then the readable ones to predict."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ..competition.tables import Tables
from ..images.cache_policy import WORTH, bytes_of, make_room, seconds_saved, use
from ..images.photo_source import PhotoFiles, PhotoSource, Rows, held_or_files
from ..images.photo_store import PhotoStore
from ..paths import CompetitionFolder
from ..progress import Progress
from ..storage import remove_folder
from .job_locks import turn
from .training_job import Assignment


class CompetitionPhotos:
    """Photos at one size, from a store where one is there or pays.

    Parameters
    ----------
    folder, tables
        Of the competition.
    samples
        Hash of its photos; those of other photos lie in another store.
    size
        Height and width in pixels.
    decodings
        How many times a photo will be decoded at this size, in all jobs of the call, unless there is a store.
    cache_limit
        Bytes that stores may take; None is half of what is free.
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
        self.paths = tables.train_paths + tables.test_paths
        self._folder = folder
        self._place = folder.pixels / samples
        self._size = size
        self._decodings = decodings
        self._limit = cache_limit
        self._progress = progress

    def some(self, rows: Rows) -> PhotoSource:
        """Return photos that are looked at once."""
        if self._store:
            return self._store.photos(self._size, rows)
        return PhotoFiles([self.paths[row] for row in rows], self._size)

    def to_learn(self, rows: Rows) -> PhotoSource:
        """Return photos that are looked at in each epoch: without a store they are held in memory if they fit."""
        if self._store:
            return self._store.photos(self._size, rows)
        return held_or_files([self.paths[row] for row in rows], self._size)

    @cached_property
    def _store(self) -> PhotoStore | None:
        store, size = PhotoStore(self._place, self.paths), self._size
        with turn(self._folder, "pixels", f"photos decoded at {size} pixels", self._progress):
            if self._limit == 0:
                remove_folder(self._folder.pixels)
                return None
            missing = store.missing(size)
            saved = seconds_saved(self.paths, size, missing, self._decodings) if missing else WORTH
            if saved < WORTH:
                return None
            if not make_room(self._place, size, bytes_of(missing, size), self._limit):
                # What is there of it may be larger than it should be by now.
                remove_folder(self._place / str(size))
                return None
            if missing:
                self._progress.note(
                    f"Decoding {missing} photos once at {size} pixels saves about {saved:.0f} s; they take "
                    f"{bytes_of(missing, size) / 1e9:.2g} GB in {self._place} (--cache-limit)."
                )
            store.fill([size], self._progress)
            use(self._place, size)
        return store


def photos_of(assignment: Assignment, progress: Progress) -> CompetitionPhotos:
    """Return the photos of a member's size."""
    return CompetitionPhotos(
        assignment.folder,
        assignment.tables,
        assignment.record.samples,
        assignment.record.settings.image_size,
        progress,
        decodings=assignment.decodings,
        cache_limit=assignment.cache_limit,
    )


def numbers_to_predict(tables: Tables) -> Rows:
    """Return the numbers of the readable photos to predict."""
    first = len(tables.train_paths)
    return np.arange(first, first + len(tables.test_paths))
