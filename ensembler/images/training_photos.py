"""Batches of training photos in random order with random augmentation."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from .augmentation import Augmentation
from .augmentation.mixing import mix
from .augmentation.photos import augment_photo
from .batches import count_steps, prefetch, submit_and_combine
from .photo_source import PhotoSource, Pixels, Rows

# Pixels, targets and weights.
Batch = tuple[Pixels, NDArray[np.float32], NDArray[np.float32]]


class TrainingPhotos:
    """Photos for training, each once per epoch in random order with random augmentation.

    Of a photo with several versions, such as rotations, each epoch draws one.

    An epoch depends only on its number and the seed, not on earlier epochs, threads or memory. Therefore an interrupted
    training can resume with the same photos.

    Parameters
    ----------
    photos
        Source of the photos.
    targets
        Targets of shape (rows, outputs), for the rows of ``photos``.
    versions
        Number of consecutive rows that are versions of one photo.
    """

    def __init__(self, photos: PhotoSource, targets: NDArray[np.float32], versions: int = 1) -> None:
        self._photos = photos
        self._targets = targets
        self._versions = versions

    def __len__(self) -> int:
        """Return the number of photos in an epoch."""
        return len(self._photos) // self._versions

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
        """Iterate over the batches of an epoch.

        Parameters
        ----------
        number
            Number of the epoch, counted from 0.
        batch_size
            Photos per batch. The last batch is padded with photos of weight 0.
        seed
            Seed of order and augmentation.
        augmentation
            Kind of augmentation. ``strong`` also mixes photos of the same batch.
        accumulation_steps
            Number of equal parts into which each batch is split to fit into memory. Must divide ``batch_size``.
        first_batch
            Number of the first batch, counted from 0.

        Yields
        ------
        tuple
            Pixels from 0 to 255 of shape (batch_size / parts, size, size, 3), targets of shape (batch_size / parts,
            outputs), and weights.
        """

        # The 1, 2 and 3 separate these generators from each other and from the generator of the order.
        def augment_row(row: int) -> Pixels:
            random = np.random.default_rng([seed, number, 1, row])
            return augment_photo(self._photos.read_photo(row), augmentation, random)

        def build_batch(index: int, rows: Rows, pixels: Pixels) -> Batch:
            targets = self._targets[rows]
            real_count = min(batch_size, len(order) - index * batch_size)
            if augmentation == "strong":
                random = np.random.default_rng([seed, number, 2, index])
                mixed = mix(pixels[:real_count], targets[:real_count], random)
                pixels[:real_count], targets[:real_count] = mixed
            return pixels, targets, (np.arange(batch_size) < real_count).astype(np.float32)

        def submit_batch(index: int, rows: Rows) -> Future[Batch]:
            if self._photos.is_decoded and augmentation == "none":
                # A GPU processes small photos faster than Python passes each to a thread and back.
                return pool.submit(lambda: build_batch(index, rows, self._photos.gather(rows)))
            return submit_and_combine(
                pool, augment_row, rows, lambda photos: build_batch(index, rows, np.stack(photos))
            )

        order = self._draw_versions(shuffle_rows(len(self), number, seed), number, seed)
        # The order is repeated to fill the last batch.
        batches = np.resize(order, (count_steps(len(order), batch_size), batch_size))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            futures = (submit_batch(index, rows) for index, rows in enumerate(batches[first_batch:], first_batch))
            for batch in prefetch(futures):
                yield from zip(*(np.split(array, accumulation_steps) for array in batch), strict=True)

    def _draw_versions(self, order: Rows, number: int, seed: int) -> Rows:
        """Return the row of the version that an epoch draws of each photo, for photos in any order."""
        if self._versions == 1:
            return order
        drawn = np.random.default_rng([seed, number, 3]).integers(self._versions, size=len(self))
        return self._versions * order + drawn[order]


def shuffle_rows(photos: int, number: int, seed: int) -> Rows:
    """Return the rows in the order of an epoch."""
    return np.random.default_rng([seed, number]).permutation(photos)
