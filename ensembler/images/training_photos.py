"""Batches of training photos in random order with random augmentation."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .augmentation import Augmentation
from .augmentation.mixing import mix
from .augmentation.photos import augment_photo
from .batches import count_steps, gather_ahead
from .loading.pools import open_pool, prefetch, run_in_parts, start_ahead
from .photo_source import FilePhotos, PhotoSource, Pixels, Rows

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

    def start_loading(self, augmentation: Augmentation) -> None:
        """Let the processes that decode and augment photos start, for example while a network is compiled."""
        if not self._is_only_copied(augmentation):
            start_ahead(len(self))

    def _is_only_copied(self, augmentation: Augmentation) -> bool:
        return augmentation == "none" and self._photos.is_decoded

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
        order = self._draw_versions(shuffle_rows(len(self), number, seed), number, seed)
        # The order is repeated to fill the last batch.
        rows_of_batches = np.resize(order, (count_steps(len(order), batch_size), batch_size))[first_batch:]

        def split_batch(index: int, pixels: Pixels, targets: NDArray[np.float32]) -> Iterator[Batch]:
            weights = (np.arange(batch_size) < len(order) - index * batch_size).astype(np.float32)
            return zip(*(np.split(array, accumulation_steps) for array in (pixels, targets, weights)), strict=True)

        if self._is_only_copied(augmentation):
            for index, pixels in enumerate(gather_ahead(self._photos, rows_of_batches), first_batch):
                yield from split_batch(index, pixels, self._targets[rows_of_batches[index - first_batch]])
            return
        with open_pool(rows_of_batches.size) as pool:
            shared = pool.share(self._photos)

            def submit_batch(index: int, rows: Rows) -> Future[tuple[Pixels, NDArray[np.float32]]]:
                array, targets = pool.allocate((batch_size, *[self._photos.size] * 2, 3)), self._targets[rows]
                real_count = min(batch_size, len(order) - index * batch_size)

                def augment(part: range) -> None:
                    changed = rows[part.start : part.stop]
                    pool.call(augment_rows, shared, changed, array, part.start, augmentation, (seed, number))

                def finish(_: list[None]) -> tuple[Pixels, NDArray[np.float32]]:
                    if augmentation == "strong":
                        key = (seed, number, 2, index)
                        targets[:real_count] = pool.call(mix_rows, array, targets[:real_count], key)
                    return pool.deliver(array), targets

                return run_in_parts(pool, augment, batch_size, finish)

            tasks = (submit_batch(index, rows) for index, rows in enumerate(rows_of_batches, first_batch))
            for index, (pixels, targets) in enumerate(prefetch(tasks, pool.count_ahead(batch_size)), first_batch):
                yield from split_batch(index, pixels, targets)

    def _draw_versions(self, order: Rows, number: int, seed: int) -> Rows:
        """Return the row of the version that an epoch draws of each photo, for photos in any order."""
        if self._versions == 1:
            return order
        drawn = np.random.default_rng([seed, number, 3]).integers(self._versions, size=len(self))
        return self._versions * order + drawn[order]


def augment_rows(
    photos: PhotoSource, rows: Rows, pixels: Pixels, first: int, augmentation: Augmentation, key: tuple[int, int]
) -> None:
    """Read and augment photos into ``pixels``, from its row ``first`` on. ``key`` is seed and epoch."""
    for place, row in enumerate(rows, first):
        # The 1 separates these generators from those of the order, of mixing (2), and of versions (3).
        random = np.random.default_rng([*key, 1, int(row)])
        pixels[place] = augment_photo(_read(photos, int(row)), augmentation, random)


def _read(photos: PhotoSource, row: int) -> Pixels | Image.Image:
    """Return a photo as its source has it: Pillow's images and arrays are copied into each other."""
    return photos.open_photo(row) if isinstance(photos, FilePhotos) else photos.read_photo(row)


def mix_rows(pixels: Pixels, targets: NDArray[np.float32], key: tuple[int, ...]) -> NDArray[np.float32]:
    """Mix the first photos of a batch, as many as there are targets, and return the mixed targets."""
    return mix(pixels[: len(targets)], targets, np.random.default_rng(key))


def shuffle_rows(photos: int, number: int, seed: int) -> Rows:
    """Return the rows in the order of an epoch."""
    return np.random.default_rng([seed, number]).permutation(photos)
