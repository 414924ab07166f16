"""Batches of pixels, decoded by threads while the network computes."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from ..competition.pixels import ASSUMED, PixelRule
from ..errors import UnknownPixels, UnreadablePhoto
from .decoding import decode_at_sizes
from .photo_source import PhotoSource, Pixels, Rows

# Number of batches decoded in advance. More need more memory, fewer let the network wait.
PREFETCH_BATCHES = 3

R = TypeVar("R")
S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True)
class Misfits:
    """Paths of photos that a competition's rule of pixels does not fit.

    Attributes
    ----------
    assumed
        Photos for which the rule has no key, decoded by :data:`.pixels.ASSUMED`.
    beyond
        Photos many of whose numbers are beyond the rule's range.
    """

    assumed: set[Path] = field(default_factory=set)
    beyond: set[Path] = field(default_factory=set)


def iterate_pixel_batches(photos: PhotoSource, batch_size: int, rows: Rows | None = None) -> Iterator[Pixels]:
    """Yield photos in order, in batches of shape (batch, size, size, 3), pixels from 0 to 255.

    ``rows`` selects photos, None selects all. The last batch may be smaller. A photo that cannot be decoded raises
    ``UnreadablePhoto``.
    """
    rows = np.arange(len(photos)) if rows is None else rows
    batches = (rows[start : start + batch_size] for start in range(0, len(rows), batch_size))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        if photos.is_decoded:
            yield from prefetch(pool.submit(photos.gather, batch) for batch in batches)
        else:
            yield from prefetch(submit_and_combine(pool, photos.read_photo, batch, np.stack) for batch in batches)


def iterate_readable_batches(
    paths: Sequence[Path], sizes: Sequence[int], batch_size: int, rule: PixelRule, misfits: Misfits
) -> Iterator[list[tuple[Pixels, ...] | UnreadablePhoto]]:
    """Decode photos in order, each once for all ``sizes``, and yield them in batches. The last batch may be smaller.

    Each photo becomes one array per size, of shape (size, size, 3) with pixels from 0 to 255, or an error. Photos that
    the ``rule`` does not fit are added to ``misfits``.
    """
    batches = (paths[start : start + batch_size] for start in range(0, len(paths), batch_size))
    decode = partial(_decode_or_return_error, sizes=sizes, rule=rule, misfits=misfits)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from prefetch(submit_and_combine(pool, decode, batch, list) for batch in batches)


def _decode_or_return_error(
    path: Path, sizes: Sequence[int], rule: PixelRule, misfits: Misfits
) -> tuple[Pixels, ...] | UnreadablePhoto:
    try:
        try:
            return decode_at_sizes(path, sizes, rule, misfits.beyond)
        except UnknownPixels:
            pixels = decode_at_sizes(path, sizes, rule.complete(ASSUMED))
            misfits.assumed.add(path)
            return pixels
    except UnreadablePhoto as error:
        return error


def submit_and_combine(
    pool: ThreadPoolExecutor, work: Callable[[S], R], items: Iterable[S], combine: Callable[[list[R]], T]
) -> Future[T]:
    """Process the items in parallel threads, then combine the results in another thread."""
    futures = [pool.submit(work, item) for item in items]
    # The pool starts work in order. When this waits for the parts, each of them is done or runs in another thread.
    return pool.submit(lambda: combine([part.result() for part in futures]))


def prefetch(results: Iterator[Future[T]]) -> Iterator[T]:
    """Yield results in order while the next ones are computed."""
    waiting: deque[Future[T]] = deque()
    for result in results:
        waiting.append(result)
        if len(waiting) > PREFETCH_BATCHES:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def count_steps(photos: int, batch_size: int) -> int:
    """Return the number of batches in one pass over ``photos``."""
    return math.ceil(photos / batch_size)
