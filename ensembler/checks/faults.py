"""Faulty photos: those that cannot be decoded, are cut off, have one colour, or are unlike the others in their form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..images.perceptual_hash import GREY_SIDE
from .doubt import Doubt
from .finding import Found
from .photos import Photo, summarise

# Largest standard deviation of a channel, of 255, at which a photo has one colour. A JPEG of one colour has 0 to 0.5;
# the least of 2,399 photos of cats and dogs is 17.9.
BLANK_SPREAD = 1.5
# A photo is tiny if its shorter side has fewer pixels than the thumbnails that duplicates are searched with, unless
# most photos are.
TINY_SIDE = GREY_SIDE
# Factors of Tukey's outer fences (Exploratory data analysis, 1977), and least factors by which a size or an aspect
# ratio must differ from the median: a crop or a screenshot of half the size is no doubt.
FENCE, LEAST_SIZE_FACTOR, LEAST_ASPECT_FACTOR = 3.0, 4.0, 2.0
# Largest share of the photos that can have an odd mode.
ODD_SHARE = 0.05
# Largest difference of channels, of 255, at which a photo without a grey mode has no colour.
GREY_CHROMA = 3.0
# What is found of the photos of each kind, and what to do.
KINDS = {
    "unreadable photo": ("Cannot be read or decoded", "replace the file, then fetch or adopt again"),
    "truncated photo": ("The file is cut off", "replace the file, or leave it out"),
    "blank photo": ("One colour only", "leave it out"),
    "tiny photo": ("Too few pixels to show much", "look at it"),
    "odd size": ("Size or shape unlike the others", "look at it"),
    "odd mode": ("Pixels of another kind than most", "look at it"),
    "EXIF rotation": ("Stored turned or mirrored, with an EXIF tag, which is applied", "nothing"),
}
# Modes in words.
_MODES = {
    "L": "is grey",
    "1": "is black and white",
    "P": "has a palette",
    "PA": "has a palette and transparency",
    "CMYK": "has the colours of print (CMYK)",
    "RGBA": "has a channel of transparency",
    "LA": "is grey and has a channel of transparency",
    "16 bit": "has channels of more than 8 bits",
    "RGB": "has three colours",
    "grey in colour": "has three equal channels, so it is grey",
}
_TURNS = {2: "mirrored", 3: "by 180°", 4: "mirrored and by 180°", 5: "mirrored and by 90°", 6: "by 90° clockwise"}
_TURNS |= {7: "mirrored and by 90°", 8: "by 90° counter-clockwise"}


def find_faults(photos: Sequence[Photo], unreadable: pd.DataFrame) -> Found:
    """Find faulty photos of each kind.

    Parameters
    ----------
    photos
        Photos that can be decoded.
    unreadable
        Table of the others, with the columns id, path, set and reason, a sentence without its full stop.
    """
    tiny = _find_tiny(photos)
    blank, blank_paths = _find_blank(photos)
    seen = [photo for photo in photos if photo.path not in blank_paths]
    doubts = [
        *_find_unreadable(unreadable),
        *_find_filled(photos),
        *blank,
        *tiny,
        *_find_odd_sizes(photos, {each.path for each in tiny}),
        *_find_odd_modes(seen),
        *_find_turned(photos),
    ]
    findings = [finding for kind, (what, advice) in KINDS.items() for finding in summarise(kind, doubts, what, advice)]
    return Found(tuple(findings), tuple(doubts))


def _find_unreadable(unreadable: pd.DataFrame) -> list[Doubt]:
    rows = unreadable[["id", "path", "set", "reason"]].itertuples(index=False, name=None)
    return [_make_unreadable(*map(str, row)) for row in rows]


def _make_unreadable(identity: str, path: str, name: str, reason: str) -> Doubt:
    kind = "truncated photo" if "truncated" in reason else "unreadable photo"
    return Doubt(kind, name, identity, path, "", "", "", 1.0, f"{reason}.")


def _find_filled(photos: Sequence[Photo]) -> list[Doubt]:
    return _rank(
        photo.doubt(
            "truncated photo",
            photo.facts.filled,
            f"Its lower {100 * photo.facts.filled:.0f} % is filled with grey, because the data of the JPEG end early.",
            "exclude",
        )
        for photo in photos
        if photo.facts.filled
    )


def _find_blank(photos: Sequence[Photo]) -> tuple[list[Doubt], set[str]]:
    blank = [photo for photo in photos if photo.facts.spread < BLANK_SPREAD]
    doubts = [
        photo.doubt(
            "blank photo",
            BLANK_SPREAD - photo.facts.spread,
            f"The standard deviation of its pixels is {photo.facts.spread:.1f} of 255.",
            "exclude",
        )
        for photo in blank
    ]
    return _rank(doubts), {photo.path for photo in blank}


def _find_tiny(photos: Sequence[Photo]) -> list[Doubt]:
    sides = np.array([min(photo.facts.width, photo.facts.height) for photo in photos])
    usual = np.median(sides) if len(sides) else 0
    return _rank(
        photo.doubt(
            "tiny photo",
            usual / max(side, 1),
            f"It has {_format_size(photo)} pixels; the median of the shorter sides is {usual:.0f}.",
        )
        for photo, side in zip(photos, sides, strict=True)
        if side < min(TINY_SIDE, usual / 2)
    )


def _find_odd_sizes(photos: Sequence[Photo], tiny: Collection[str]) -> list[Doubt]:
    if not photos:
        return []
    widths, heights = (
        np.array([getattr(photo.facts, side) for photo in photos], float) for side in ("width", "height")
    )
    areas, aspects = np.log(widths * heights), np.log(widths / heights)
    by_area = measure_distance(areas, LEAST_SIZE_FACTOR)
    # A photo may be taken upright or across, so the shape is compared without the direction.
    by_aspect = measure_distance(np.abs(aspects), LEAST_ASPECT_FACTOR)
    usual = f"the medians are {np.median(widths):.0f} and {np.median(heights):.0f}"
    return _rank(
        photos[int(place)].doubt(
            "odd size",
            max(by_area[place], by_aspect[place]),
            f"It has {_format_size(photos[int(place)])} pixels; {usual}.",
        )
        for place in np.flatnonzero((by_area > 0) | (by_aspect > 0))
        if photos[int(place)].path not in tiny
    )


def measure_distance(values: NDArray[np.float64], least_factor: float) -> NDArray[np.float64]:
    """Return the distance of each logarithm from the median, 0 for those that are no outliers.

    An outlier lies beyond Tukey's outer fences and differs from the median by a factor of at least ``least_factor``.
    """
    low, median, high = np.quantile(values, (0.25, 0.5, 0.75))
    reach = FENCE * (high - low)
    distance = np.abs(values - median)
    beyond = (values < low - reach) | (values > high + reach)
    return np.where(beyond & (distance >= np.log(least_factor) - 1e-9), distance, 0.0)


def _find_odd_modes(photos: Sequence[Photo]) -> list[Doubt]:
    modes = [_name_mode(photo) for photo in photos]
    counts = Counter(modes)
    return _rank(
        photo.doubt("odd mode", 1 - counts[mode] / len(photos), f"It {describe_mode(mode)}, unlike most photos.")
        for photo, mode in zip(photos, modes, strict=True)
        if counts[mode] <= ODD_SHARE * len(photos)
    )


def _name_mode(photo: Photo) -> str:
    mode, is_grey = photo.facts.mode, photo.facts.chroma <= GREY_CHROMA
    return "grey in colour" if is_grey and mode in ("RGB", "YCbCr") else mode


def describe_mode(mode: str) -> str:
    """Return one of Pillow's modes in words."""
    return _MODES.get(mode, f"has the mode {mode}")


def _find_turned(photos: Sequence[Photo]) -> list[Doubt]:
    return _rank(
        photo.doubt(
            "EXIF rotation",
            0.0,
            f"A viewer turns it {_TURNS[photo.facts.tag]}, because its EXIF orientation is {photo.facts.tag}. So does "
            "the decoding here.",
        )
        for photo in photos
        if photo.facts.tag > 1
    )


def _format_size(photo: Photo) -> str:
    return f"{photo.facts.width} x {photo.facts.height}"


def _rank(doubts: Iterable[Doubt]) -> list[Doubt]:
    return sorted(doubts, key=lambda each: -each.score)
