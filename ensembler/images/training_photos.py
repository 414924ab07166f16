"""Training photos in random order, augmented at random, in batches."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .augmentation import Augmentation
from .augmentation.mixing import mix
from .augmentation.photos import augment_photo
from .batches import count_steps, prefetch, submit_and_combine
from .photo_source import PhotoSource, Pixels, Rows

# Pixels, targets, weights.
Batch = tuple[Pixels, NDArray[np.float32], NDArray[np.float32]]


class TrainingPhotos:
    """Photos that a network learns from: each once an epoch, in random order, changed at random.

    An epoch depends on its number and the seed alone, not on earlier epochs, threads or memory; so a training that was
    cut off can go on as if it had not been. ``targets`` has the shape (photos, outputs).
    """

    def __init__(self, photos: PhotoSource, targets: NDArray[np.float32]) -> None:
        self._photos = photos
        self._targets = targets

    def iterate_epoch(
        self,
        number: int,
        *,
        batch_size: int,
        seed: int,
        augmentation: Augmentation,
        accumulation_steps: int = 1,
        first_batch: int = 0,
    ) -> Iterator[Batch]:
        """Go through the photos once.

        Parameters
        ----------
        number
            Number of the epoch, from 0.
        batch_size
            Photos a batch. The last batch is filled up with photos of weight 0.
        seed
            Seed of order and augmentation.
        augmentation
            Kind of augmentation; ``strong`` also mixes photos with others of their batch.
        accumulation_steps
            Number of equal parts of each batch, for a device that cannot take it whole. Must divide ``batch_size``.
        first_batch
            Batch to begin with, from 0.

        Yields
        ------
        tuple
            Pixels from 0 to 255 of shape (batch_size / parts, size, size, 3), targets of shape (batch_size / parts,
            outputs), and weights.
        """
        draws = _EpochDraws(seed, number, augmentation)
        order = shuffle_rows(len(self._photos), number, seed)
        # Repeats the order from its beginning where it is too short.
        batches = np.resize(order, (count_steps(len(order), batch_size), batch_size))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            futures = (
                self._submit_batch(pool, draws, index, rows)
                for index, rows in enumerate(batches[first_batch:], first_batch)
            )
            for batch in prefetch(futures):
                yield from zip(*(np.split(array, accumulation_steps) for array in batch), strict=True)

    def _submit_batch(self, pool: ThreadPoolExecutor, draws: _EpochDraws, index: int, rows: Rows) -> Future[Batch]:
        if self._photos.is_decoded and draws.augmentation == "none":
            # A GPU processes small photos faster than Python passes each to a thread and back.
            return pool.submit(lambda: self._build_batch(draws, index, rows, self._photos.gather(rows)))

        def augment_row(row: int) -> Pixels:
            return augment_photo(self._photos.read_photo(row), draws.augmentation, draws.make_photo_generator(row))

        return submit_and_combine(
            pool, augment_row, rows, lambda photos: self._build_batch(draws, index, rows, np.stack(photos))
        )

    def _build_batch(self, draws: _EpochDraws, index: int, rows: Rows, pixels: Pixels) -> Batch:
        targets = self._targets[rows]
        real_count = min(len(rows), len(self._photos) - index * len(rows))
        if draws.augmentation == "strong":
            mixed = mix(pixels[:real_count], targets[:real_count], draws.make_batch_generator(index))
            pixels[:real_count], targets[:real_count] = mixed
        return pixels, targets, (np.arange(len(rows)) < real_count).astype(np.float32)


@dataclass(frozen=True)
class _EpochDraws:
    """Random generators of an epoch: each photo and each batch has its own."""

    seed: int
    number: int
    augmentation: Augmentation

    # The 1 and the 2 separate these generators from that of the order and from each other.
    def make_photo_generator(self, row: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, self.number, 1, row])

    def make_batch_generator(self, index: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, self.number, 2, index])


def shuffle_rows(photos: int, number: int, seed: int) -> Rows:
    """Return the rows in the order of the epoch ``number``."""
    return np.random.default_rng([seed, number]).permutation(photos)
