"""Scan of all photos for unreadable files, identical files, thumbnails, and the rule of their pixels."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from PIL import Image

from ..competition.pixels import PLAIN, PixelRule
from ..errors import UnreadablePhoto
from ..progress import Progress
from .conversion import convert_to_rgb
from .decoding import MIN_DECODE_SCALE, open_at_scale, open_photo
from .loading.pools import map_photos
from .perceptual_hash import GREY_SIDE
from .pixel_rules import PixelFacts, choose_rule, measure_pixels
from .similarity import Thumbnail, make_thumbnail

# Least height and width in pixels at which photos are decoded, several times the size of thumbnails.
SCAN_SIZE = 8 * GREY_SIDE // MIN_DECODE_SCALE


@dataclass
class PhotoScan:
    """Results of a scan by path: digests and thumbnails of readable photos, and problems of unreadable ones.

    Photos that are too small have no thumbnail. ``rule`` is that of all photos, ``unusual`` what is unusual about the
    pixels of those that need it, and ``plain`` are the photos that have one colour only.
    """

    digests: dict[str, str] = field(default_factory=dict)
    thumbnails: dict[str, Thumbnail] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    rule: PixelRule = PLAIN
    unusual: dict[str, PixelFacts] = field(default_factory=dict)
    plain: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Scanned:
    """Digest of a photo's bytes, thumbnail, and what is unusual about its pixels, or its problem."""

    digest: str = ""
    thumbnail: Thumbnail | None = None
    is_plain: bool = False
    facts: PixelFacts | None = None
    problem: str = ""


def scan_photos(root: Path, paths: Sequence[str], progress: Progress, rule: PixelRule = PLAIN) -> PhotoScan:
    """Decode all photos on all processors: once, and once more those that need a rule, which all photos decide.

    Parameters
    ----------
    root, paths
        Folder, and paths of the photos relative to it.
    rule
        Keys of the rule that are known already.
    """
    scan = PhotoScan()
    with map_photos(_scan_photo, [root / path for path in paths]) as results:
        tracked = progress.track(results, "scan photos", len(paths), "photos")
        scanned = dict(zip(paths, tracked, strict=True))
    scan.unusual = {path: one.facts for path, one in scanned.items() if one.facts}
    scan.rule = rule.complete(choose_rule(scan.unusual.values()))
    if scan.unusual:
        with map_photos(partial(_scan_again, rule=scan.rule), [root / path for path in scan.unusual]) as results:
            tracked = progress.track(results, "convert unusual photos", len(scan.unusual), "photos")
            # Keys that exist keep their order.
            scanned.update(zip(scan.unusual, tracked, strict=True))
    for path, one in scanned.items():
        if one.problem:
            scan.problems[path] = one.problem
            continue
        scan.digests[path] = one.digest
        if one.thumbnail is not None:
            scan.thumbnails[path] = one.thumbnail
        if one.is_plain:
            scan.plain.append(path)
    return scan


def _scan_photo(path: Path) -> _Scanned:
    try:
        with open_at_scale(path, SCAN_SIZE) as opened:
            facts = measure_pixels(opened, path)
            if facts is not None:
                return _Scanned(facts=facts)
            photo = convert_to_rgb(opened, path)
    except UnreadablePhoto as error:
        return _Scanned(problem=str(error.__cause__ or error))
    return _describe_photo(path, photo)


def _scan_again(path: Path, rule: PixelRule) -> _Scanned:
    try:
        return _describe_photo(path, open_photo(path, SCAN_SIZE, rule))
    except UnreadablePhoto as error:
        return _Scanned(problem=str(error.__cause__ or error))


def _describe_photo(path: Path, photo: Image.Image) -> _Scanned:
    digest = hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
    small = make_thumbnail(photo)
    # Few photos have a thumbnail of one colour, so few large ones are looked through.
    may_be_plain = small is None or bool((small.colour == small.colour[0, 0]).all())
    return _Scanned(digest, small, may_be_plain and _has_one_colour(photo))


def _has_one_colour(photo: Image.Image) -> bool:
    bands = photo.split()
    return all(low == high for low, high in (band.getextrema() for band in bands))
