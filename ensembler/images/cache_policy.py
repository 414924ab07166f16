"""Decisions about a store of decoded photos: whether it saves time, and whether it fits on the disk."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from ..competition.pixels import PLAIN, PixelRule
from ..errors import BadChoice
from ..storage import count_folder_bytes, remove_folder
from .decoding import decode_photo
from .loading.pools import open_pool, run_in_parts

T = TypeVar("T")
# Number of photos in the measurement of decoding.
SAMPLE_PHOTOS = 64
# Speed of most disks without the system's cache.
WRITE_BYTES_PER_SECOND, READ_BYTES_PER_SECOND = 300e6, 1e9
# Least number of seconds that a store must save.
MIN_SECONDS_SAVED = 10.0
# Share of the free disk space that stores may use by default.
FREE_SHARE = 0.5

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_SIZE_PATTERN = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?", re.IGNORECASE)


def parse_cache_limit(value: str | int | None) -> int | None:
    """Parse a number of bytes such as ``20GB``, ``500M`` or ``0``. None stays None."""
    if value is None:
        return None
    match = _SIZE_PATTERN.fullmatch(str(value).strip())
    if match is None:
        raise BadChoice(f"--cache-limit must be a size such as 20GB or 500MB, or 0. Received: {value}")
    return int(float(match[1]) * _UNITS[match[2].upper()])


def estimate_seconds_saved(
    paths: Sequence[Path], size: int, missing: int, decodings: int, rule: PixelRule = PLAIN
) -> float:
    """Estimate the seconds that a store saves, from the decoding time of a sample. Negative if it costs more.

    ``missing`` is the number of photos that are not stored yet, ``decodings`` the number of decodings without a store.
    """
    if decodings <= missing:
        return 0.0
    sample = select_sample(paths)
    with open_pool(len(paths)) as pool:
        pool.start()
        began = time.perf_counter()
        run_in_parts(
            pool,
            lambda part: pool.call(_decode_photos, sample[part.start : part.stop], size, rule),
            len(sample),
            list,
        ).result()
        decode_seconds = (time.perf_counter() - began) / len(sample)
    photo_bytes = 3 * size**2
    return (
        (decodings - missing) * decode_seconds
        - missing * photo_bytes / WRITE_BYTES_PER_SECOND
        - decodings * photo_bytes / READ_BYTES_PER_SECOND
    )


def _decode_photos(paths: Sequence[Path], size: int, rule: PixelRule) -> None:
    for path in paths:
        decode_photo(path, size, rule)


def select_sample(paths: Sequence[T]) -> Sequence[T]:
    """Return the photos whose decoding is measured."""
    return paths[:: max(1, len(paths) // SAMPLE_PHOTOS)][:SAMPLE_PHOTOS]


def select_fitting_sizes(sizes: Iterable[int], photos: int, folder: Path, limit: int | None) -> list[int]:
    """Return the sizes, from the smallest up, whose stores fit together into an existing folder.

    ``limit`` is in bytes. None allows half of the free space.
    """
    room = FREE_SHARE * shutil.disk_usage(folder).free if limit is None else limit
    kept: list[int] = []
    for size in sorted(set(sizes)):
        room -= compute_store_bytes(photos, size)
        if room < 0:
            break
        kept.append(size)
    return kept


def compute_store_bytes(photos: int, size: int) -> int:
    """Return the size of a store in bytes."""
    return photos * 3 * size**2


def make_room(
    folder: Path, size: int, needed: int, limit: int | None, is_in_use: Callable[[str], bool] = lambda _: False
) -> bool:
    """Make room for ``needed`` more bytes in the store of one size, and return whether there is enough.

    Stores of other sets of photos are deleted, because labels or photos have changed since. If necessary, stores of
    other sizes are deleted, the least recently used first.

    Parameters
    ----------
    folder
        Folder of the stores of these photos, with a subfolder per size.
    size
        Size of the photos whose store is kept.
    needed
        Number of bytes.
    limit
        Number of bytes that all stores may use. None allows half of the free space.
    is_in_use
        Whether a process writes the store in the subfolder of this name, which is then not deleted.
    """
    for other in folder.parent.glob("*"):
        if other != folder:
            remove_folder(other)
    others = sorted(
        (other for other in folder.glob("*") if other.name != str(size) and not is_in_use(other.name)),
        key=lambda place: place.stat().st_mtime,
    )
    while True:
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        free = shutil.disk_usage(existing).free
        room = FREE_SHARE * free if limit is None else min(limit - count_folder_bytes(folder), free)
        if needed <= room or not others:
            return needed <= room
        remove_folder(others.pop(0))


def mark_used(folder: Path, size: int) -> None:
    """Set the time of a store's folder, so that it counts as recently used."""
    place = folder / str(size)
    if place.exists():
        os.utime(place)
