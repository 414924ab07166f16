"""Batches of pixels, decoded by processes or threads while the network computes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..competition.pixels import ASSUMED, PixelRule
from ..errors import UnknownPixels, UnreadablePhoto
from .decoding import decode_at_sizes
from .loading.pools import Pool, open_pool, prefetch, run_in_parts
from .photo_source import PhotoSource, Pixels, Rows


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
    if photos.is_decoded:
        yield from gather_ahead(photos, batches)
        return
    with open_pool(len(rows)) as pool:
        shared = pool.share(photos)

        def submit(batch: Rows) -> Future[Pixels]:
            array = pool.allocate((len(batch), photos.size, photos.size, 3))
            return run_in_parts(
                pool,
                lambda part: pool.call(read_rows, shared, batch[part.start : part.stop], array, part.start),
                len(batch),
                lambda _: pool.deliver(array),
            )

        yield from prefetch(map(submit, batches), pool.count_ahead(batch_size))


def gather_ahead(photos: PhotoSource, batches: Iterable[Rows]) -> Iterator[Pixels]:
    """Yield batches of decoded photos, copied by one thread: processes would copy no faster."""
    pool = Pool(1, uses_processes=False)
    try:
        yield from prefetch(pool.submit(photos.gather, batch) for batch in batches)
    finally:
        pool.close()


def read_rows(photos: PhotoSource, rows: Rows, pixels: Pixels, first: int) -> None:
    """Read photos into ``pixels``, from its row ``first`` on."""
    for place, row in enumerate(rows, first):
        pixels[place] = photos.read_photo(int(row))


def iterate_readable_batches(
    paths: Sequence[Path], sizes: Sequence[int], batch_size: int, rule: PixelRule, misfits: Misfits
) -> Iterator[list[tuple[Pixels, ...] | UnreadablePhoto]]:
    """Decode photos in order, each once for all ``sizes``, and yield them in batches. The last batch may be smaller.

    Each photo becomes one array per size, of shape (size, size, 3) with pixels from 0 to 255, or an error. Photos that
    the ``rule`` does not fit are added to ``misfits``.
    """
    batches = (paths[start : start + batch_size] for start in range(0, len(paths), batch_size))
    with open_pool(len(paths)) as pool:

        def submit(batch: Sequence[Path]) -> Future[list[tuple[Pixels, ...] | UnreadablePhoto]]:
            arrays = [pool.allocate((len(batch), size, size, 3)) for size in sizes]

            def decode(part: range) -> list[UnreadablePhoto | None]:
                found, errors = pool.call(_decode_at_sizes, batch[part.start : part.stop], rule, part.start, *arrays)
                misfits.assumed.update(found.assumed)
                misfits.beyond.update(found.beyond)
                return errors

            def join(parts: list[list[UnreadablePhoto | None]]) -> list[tuple[Pixels, ...] | UnreadablePhoto]:
                pixels = [pool.deliver(array) for array in arrays]
                errors = [error for part in parts for error in part]
                return [error or tuple(array[place] for array in pixels) for place, error in enumerate(errors)]

            return run_in_parts(pool, decode, len(batch), join)

        yield from prefetch(map(submit, batches), pool.count_ahead(batch_size))


def _decode_at_sizes(
    paths: Sequence[Path], rule: PixelRule, first: int, *arrays: Pixels
) -> tuple[Misfits, list[UnreadablePhoto | None]]:
    """Decode photos into arrays of all sizes, from their row ``first`` on, and return an error or None for each."""
    misfits, errors = Misfits(), []
    for place, path in enumerate(paths, first):
        found = _decode_or_return_error(path, [array.shape[1] for array in arrays], rule, misfits)
        errors.append(found if isinstance(found, UnreadablePhoto) else None)
        if not isinstance(found, UnreadablePhoto):
            for array, pixels in zip(arrays, found, strict=True):
                array[place] = pixels
    return misfits, errors


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


def count_steps(photos: int, batch_size: int) -> int:
    """Return the number of batches in one pass over ``photos``."""
    return math.ceil(photos / batch_size)
