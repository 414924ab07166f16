"""Photos as batches of pixels for Keras, decoded by threads while the network is busy."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .decoding import decode_photo

# Batches decoded ahead of the network: enough to hide decoding, few enough to keep memory small.
AHEAD = 3
# Bytes of decoded photos that are held rather than decoded again each epoch.
IN_MEMORY = 512 * 1024**2


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
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting: deque[list[Future[NDArray[np.uint8]]]] = deque()
        for batch in batches:
            waiting.append([pool.submit(decode_photo, path, size) for path in batch])
            if len(waiting) > AHEAD:
                yield _stacked(waiting.popleft())
        while waiting:
            yield _stacked(waiting.popleft())


def _stacked(photos: list[Future[NDArray[np.uint8]]]) -> NDArray[np.uint8]:
    return np.stack([photo.result() for photo in photos])


def training_batches(
    paths: Sequence[Path], targets: NDArray[np.float32], size: int, batch_size: int, seed: int
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float32]]]:
    """Give photos in a new random order each epoch, without end; every epoch has each photo once.

    The order depends on ``seed`` alone. Photos that fit into memory are decoded once.
    """
    random = np.random.default_rng(seed)
    stored = _in_memory(paths, size)
    while True:
        order = random.permutation(len(paths))
        rows = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
        if stored is None:
            pixels = pixel_batches([paths[row] for row in order], size, batch_size)
        else:
            pixels = (stored[batch] for batch in rows)
        for batch, decoded in zip(rows, pixels, strict=True):
            yield decoded, targets[batch]


def _in_memory(paths: Sequence[Path], size: int) -> NDArray[np.uint8] | None:
    """All photos decoded, or None if they would take too much memory."""
    if len(paths) * size * size * 3 > IN_MEMORY:
        return None
    return np.concatenate(list(pixel_batches(paths, size, 256)))


def steps(photos: int, batch_size: int) -> int:
    """Batches in one pass over ``photos``."""
    return math.ceil(photos / batch_size)
