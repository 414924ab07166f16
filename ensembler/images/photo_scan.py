"""Scan of all photos for unreadable files, identical files and thumbnails."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import UnreadablePhoto
from ..progress import Progress
from .decoding import MIN_DECODE_SCALE, open_photo
from .perceptual_hash import GREY_SIDE
from .similarity import Thumbnail, make_thumbnail

# Least height and width in pixels at which photos are decoded, several times the size of thumbnails.
SCAN_SIZE = 8 * GREY_SIDE // MIN_DECODE_SCALE


@dataclass
class PhotoScan:
    """Results of a scan by path: digests and thumbnails of readable photos, and problems of unreadable ones.

    Photos that are too small have no thumbnail.
    """

    digests: dict[str, str] = field(default_factory=dict)
    thumbnails: dict[str, Thumbnail] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def scan_photos(root: Path, paths: Sequence[str], progress: Progress) -> PhotoScan:
    """Decode all photos once on all processors. Paths are relative to ``root``."""
    scan = PhotoScan()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda path: _scan_photo(root / path), paths)
        for path, result in zip(paths, progress.track(results, "scan photos", len(paths), "photos"), strict=True):
            if isinstance(result, str):
                scan.problems[path] = result
                continue
            scan.digests[path], small = result
            if small is not None:
                scan.thumbnails[path] = small
    return scan


def _scan_photo(path: Path) -> tuple[str, Thumbnail | None] | str:
    """Return the digest of a photo's bytes and its thumbnail, or the problem."""
    try:
        photo = open_photo(path, SCAN_SIZE)
    except UnreadablePhoto as error:
        return str(error.__cause__)
    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest(), make_thumbnail(photo)
