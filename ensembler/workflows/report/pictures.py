"""Thumbnails of the page's photos, and maps of what networks look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from ...competition.tables import Tables
from ...errors import UnreadablePhoto
from ...images.thumbnails import encode_data_address, make_thumbnail
from ...reports.facts import PhotoFacts
from .troubles import Troubles

# Longest sides of thumbnails that are tried, and most characters of all pictures of the page.
SIZES, MOST_CHARACTERS = (320, 224, 144, 96), 2_400_000


def make_pictures(
    tables: Tables, largest: Sequence[PhotoFacts], uncertain: Sequence[PhotoFacts], troubles: Troubles
) -> dict[str, str]:
    """Return ``data:`` addresses of thumbnails by place. They are smaller where many or detailed photos need it."""
    wanted = {f"largest-{number}": photo for number, photo in enumerate(largest)}
    wanted |= {f"uncertain-{number}": photo for number, photo in enumerate(uncertain)}
    opened = {}
    for place, photo in troubles.track(wanted.items(), "thumbnails", len(wanted)):
        if photo.path and (thumbnail := _open(tables, photo)):
            opened[place] = thumbnail
    return fit_pictures(opened, MOST_CHARACTERS)


def _open(tables: Tables, photo: PhotoFacts) -> Image.Image | None:
    try:
        path = tables.photos / Path(photo.path)
        return make_thumbnail(path, SIZES[0], tables.manifest.pixels, photo.rotation // 90)
    except UnreadablePhoto:
        return None


def fit_pictures(photos: Mapping[str, Image.Image], most: int) -> dict[str, str]:
    """Encode photos at the largest size at which all together need at most ``most`` characters."""
    encoded: dict[str, str] = {}
    for size in SIZES:
        encoded = {}
        for place, photo in photos.items():
            smaller = photo.copy()
            smaller.thumbnail((size, size))
            encoded[place] = encode_data_address(smaller)
        if sum(map(len, encoded.values())) <= most:
            break
    return encoded
