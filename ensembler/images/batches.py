"""Photos as batches of pixels for Keras, decoded by threads while the network is busy."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import UnreadablePhoto
from ..machine_memory import machine_memory
from .augmentation import Augmentation
from .augmentation.mixing import mix
from .augmentation.photos import augment_photo
from .decoding import decode_at_sizes, decode_photo

# Batches decoded ahead of the network: enough to hide decoding, few enough to keep memory small.
AHEAD = 3
# Share of the machine's memory that decoded photos may take, rather than be decoded again each epoch, and bytes that
# any machine has for them. A GPU is through with small photos several times faster than they are decoded.
MEMORY_SHARE, FEWEST_BYTES = 1 / 16, 512 * 1024**2

R = TypeVar("R")
S = TypeVar("S")
T = TypeVar("T")
Pixels = NDArray[np.uint8]
# Pixels, targets, weights.
Batch = tuple[Pixels, NDArray[np.float32], NDArray[np.float32]]


def pixel_batches(paths: Sequence[Path], size: int, batch_size: int) -> Iterator[NDArray[np.uint8]]:
    """Decode photos in order.

    Parameters
    ----------
    paths
        Photos to decode.
    size
        Height and width in pixels.
    batch_size
        Photos a batch; the last may be smaller.

    Yields
    ------
    array of shape (batch, size, size, 3)
        Pixels from 0 to 255.

    Raises
    ------
    UnreadablePhoto
        If one cannot be decoded.
    """
    batches = (paths[start : start + batch_size] for start in range(0, len(paths), batch_size))
    decode = partial(decode_photo, size=size)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from _ahead(_together(pool, decode, batch, np.stack) for batch in batches)


def readable_batches(
    paths: Sequence[Path], sizes: Sequence[int], batch_size: int
) -> Iterator[list[tuple[Pixels, ...] | UnreadablePhoto]]:
    """Decode photos in order, each once for all ``sizes``; one that cannot be decoded is there as its error.

    Parameters
    ----------
    paths
        Photos to decode.
    sizes
        Heights and widths in pixels.
    batch_size
        Photos a batch; the last may be smaller.

    Yields
    ------
    list
        Of each photo an array of shape (size, size, 3) for each size, pixels from 0 to 255; or its error.
    """
    batches = (paths[start : start + batch_size] for start in range(0, len(paths), batch_size))
    decode = partial(_decoded_or_error, sizes=sizes)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from _ahead(_together(pool, decode, batch, list) for batch in batches)


def _decoded_or_error(path: Path, sizes: Sequence[int]) -> tuple[Pixels, ...] | UnreadablePhoto:
    try:
        return decode_at_sizes(path, sizes)
    except UnreadablePhoto as error:
        return error


def _together(
    pool: ThreadPoolExecutor, work: Callable[[S], R], things: Iterable[S], finish: Callable[[list[R]], T]
) -> Future[T]:
    """Work on each thing in a thread of its own, then put the results together in another."""
    parts = [pool.submit(work, thing) for thing in things]
    # The pool begins with what came first, so when this waits for the parts, each of them is done or in another thread.
    return pool.submit(lambda: finish([part.result() for part in parts]))


def _ahead(results: Iterator[Future[T]]) -> Iterator[T]:
    """Give results in their order, while the work for the next ones goes on."""
    waiting: deque[Future[T]] = deque()
    for result in results:
        waiting.append(result)
        if len(waiting) > AHEAD:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


class TrainingPhotos:
    """Photos that a network learns from: each once an epoch, in random order, changed at random.

    An epoch depends on its number and the seed alone, not on earlier epochs, threads or memory; so a training that was
    cut off can go on as if it had not been.

    Parameters
    ----------
    paths
        Files of the photos. Those that fit into memory together are decoded once, others anew each epoch.
    targets
        Shape (photos, outputs).
    size
        Height and width in pixels.
    keep
        Whether they are decoded once; None for as :func:`in_memory` says.

    Raises
    ------
    UnreadablePhoto
        If one cannot be decoded.
    """

    def __init__(
        self, paths: Sequence[Path], targets: NDArray[np.float32], size: int, *, keep: bool | None = None
    ) -> None:
        self._paths = paths
        self._targets = targets
        self._size = size
        kept = in_memory(len(paths), size) if keep is None else keep
        self._stored = _decoded(paths, size) if kept else None

    def epoch(
        self,
        number: int,
        *,
        batch_size: int,
        seed: int,
        augmentation: Augmentation,
        parts: int = 1,
        first: int = 0,
    ) -> Iterator[Batch]:
        """Go through the photos once.

        Parameters
        ----------
        number
            Of the epoch, from 0.
        batch_size
            Photos a batch. The last batch is filled up with photos that do not count.
        seed
            Of order and augmentation.
        augmentation
            How photos are changed; photos are mixed with others of their batch.
        parts
            Each batch is given in so many parts of one size, for a device that cannot take it whole. Must divide
            ``batch_size``.
        first
            Batch to begin with, from 0; those before it are left out.

        Yields
        ------
        tuple
            Of a part: pixels from 0 to 255 of shape (batch_size / parts, size, size, 3), targets of shape
            (batch_size / parts, outputs), and weights, 0 for photos that fill up and else 1.
        """
        draws = _Draws(seed, number, augmentation)
        order = epoch_order(len(self._paths), number, seed)
        # Repeats the order from its beginning where it is too short.
        batches = np.resize(order, (steps(len(order), batch_size), batch_size))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            made = (self._made(pool, draws, index, rows) for index, rows in enumerate(batches[first:], first))
            for batch in _ahead(made):
                yield from zip(*(np.split(array, parts) for array in batch), strict=True)

    def _made(self, pool: ThreadPoolExecutor, draws: _Draws, index: int, rows: NDArray[np.int64]) -> Future[Batch]:
        if self._stored is not None and draws.augmentation == "none":
            # A GPU is through with small photos before Python has handed each to a thread and back.
            stored = self._stored
            return pool.submit(lambda: self._batch(draws, index, rows, stored[rows]))
        return _together(pool, partial(self._photo, draws), rows, partial(self._stacked, draws, index, rows))

    def _photo(self, draws: _Draws, row: int) -> Pixels:
        pixels = decode_photo(self._paths[row], self._size) if self._stored is None else self._stored[row]
        return augment_photo(pixels, draws.augmentation, draws.of_photo(row))

    def _stacked(self, draws: _Draws, index: int, rows: NDArray[np.int64], photos: list[Pixels]) -> Batch:
        return self._batch(draws, index, rows, np.stack(photos))

    def _batch(self, draws: _Draws, index: int, rows: NDArray[np.int64], pixels: Pixels) -> Batch:
        targets = self._targets[rows]
        counting = min(len(rows), len(self._paths) - index * len(rows))
        if draws.augmentation == "strong":
            mixed = mix(pixels[:counting], targets[:counting], draws.of_batch(index))
            pixels[:counting], targets[:counting] = mixed
        return pixels, targets, (np.arange(len(rows)) < counting).astype(np.float32)


@dataclass(frozen=True)
class _Draws:
    """Where the random numbers of an epoch come from: each photo and each batch has its own."""

    seed: int
    number: int
    augmentation: Augmentation

    # The 1 and the 2 keep these apart from the order's numbers and from each other.
    def of_photo(self, row: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, self.number, 1, row])

    def of_batch(self, index: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, self.number, 2, index])


def epoch_order(photos: int, number: int, seed: int) -> NDArray[np.int64]:
    """Rows in the order in which the epoch ``number`` has them."""
    return np.random.default_rng([seed, number]).permutation(photos)


def in_memory(photos: int, size: int) -> bool:
    """Whether so many photos are decoded once and held, since they do not take too much memory."""
    return photos * size * size * 3 <= memory_for_photos()


def memory_for_photos() -> int:
    """Tell how many bytes decoded photos may take in this machine's memory."""
    return max(FEWEST_BYTES, int(MEMORY_SHARE * machine_memory()))


def _decoded(paths: Sequence[Path], size: int) -> NDArray[np.uint8]:
    stored = np.empty((len(paths), size, size, 3), np.uint8)
    for start, batch in zip(range(0, len(paths), 256), pixel_batches(paths, size, 256), strict=True):
        stored[start : start + len(batch)] = batch
    # All epochs look at these very pixels.
    stored.flags.writeable = False
    return stored


def steps(photos: int, batch_size: int) -> int:
    """Batches in one pass over ``photos``."""
    return math.ceil(photos / batch_size)
