"""Cheap comparisons of pictures: few colours, as masks have, and versions of one picture."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# Longest side at which colours are counted.
_COLOUR_SIDE = 256
# Most colours of a mask, and of one with few pixels.
_MAX_COLOURS, _MAX_COLOURS_OF_SMALL = 32, 4
_SMALL_PIXELS = 32 * 32
# JPEG blurs the colours of a mask, so only the most frequent ones count there, and the share that they must cover.
_LOSSY_COLOURS, _LOSSY_SHARE = 4, 0.9
_SIDE = 16
# Weights of red, green and blue in a grey copy.
_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)
# Least correlation of two versions of one picture.
_MIN_CORRELATION = 0.9
# Grey levels up to this one are the ground of a segmented picture.
_GROUND = 12
_MAX_DIFFERENCE = 12
# Share of pictures or pairs that decide for all.
_MOST = 0.8


@dataclass(frozen=True)
class Look:
    """What a picture looks like: its colours and pixels at a small size.

    ``small`` has the shape (16, 16, 3) and values from 0 to 255.
    """

    has_few_colours: bool
    is_grey: bool
    pixels: int
    small: NDArray[np.float32]


def look_at(path: Path) -> Look | None:
    """Return what a picture looks like; None if it cannot be decoded."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                width, height = image.size
                # Nearest pixels keep their colours.
                scale = min(1.0, _COLOUR_SIDE / max(width, height))
                size = (max(1, round(width * scale)), max(1, round(height * scale)))
                is_lossy = image.format in ("JPEG", "MPO", "WEBP", "JPEG2000", "AVIF")
                exact = np.asarray(image.resize(size, Image.Resampling.NEAREST))
                coloured = image.convert("RGB")
                small = np.asarray(coloured.resize((_SIDE, _SIDE), Image.Resampling.BOX), dtype=np.float32)
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        return None
    is_grey = float(np.ptp(small, axis=2).max()) < _GROUND
    return Look(_has_few_colours(exact, is_lossy=is_lossy), is_grey, width * height, small)


def _has_few_colours(pixels: NDArray[np.generic], *, is_lossy: bool) -> bool:
    rows = pixels.reshape(pixels.shape[0] * pixels.shape[1], -1)
    if is_lossy:
        rows = rows // (8 if rows.shape[1] == 1 else 16)
    _, counts = np.unique(rows, axis=0, return_counts=True)
    if is_lossy:
        return bool(np.sort(counts)[-_LOSSY_COLOURS:].sum() >= _LOSSY_SHARE * len(rows))
    return len(counts) <= (_MAX_COLOURS if len(rows) >= _SMALL_PIXELS else _MAX_COLOURS_OF_SMALL)


def have_few_colours(looks: Sequence[Look]) -> bool:
    """Return whether most pictures have few colours, as masks have."""
    return sum(look.has_few_colours for look in looks) >= _MOST * len(looks) > 0


def are_versions(ones: Sequence[Look], others: Sequence[Look]) -> bool:
    """Return whether most pairs are versions of one picture, such as a grey or segmented copy.

    A picture must resemble its own partner more than that of the next picture, since X-rays are all alike.
    """
    pairs = list(zip(ones, others, strict=True))
    if len(pairs) < 2:
        return False
    shifted = [*others[1:], others[0]]
    alike = sum(
        _resembles(one, other) and _correlate(one, other) > _correlate(one, stranger)
        for (one, other), stranger in zip(pairs, shifted, strict=True)
    )
    return alike >= _MOST * len(pairs)


def _resembles(one: Look, other: Look) -> bool:
    return _correlate(one, other) >= _MIN_CORRELATION or _is_part(one, other) or _is_part(other, one)


def _correlate(one: Look, other: Look) -> float:
    first, second = ((look.small @ _GREY).ravel() for look in (one, other))
    first, second = first - first.mean(), second - second.mean()
    scale = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / scale if scale > 0 else 0.0


def _is_part(whole: Look, part: Look) -> bool:
    """Return whether ``part`` is ``whole`` with a black ground."""
    ground = part.small.max(axis=2) <= _GROUND
    kept = ~ground
    if not 0.1 <= ground.mean() <= 0.9:
        return False
    # Small pixels at the edge contain both.
    differences = np.abs(whole.small - part.small).max(axis=2)[kept]
    return bool(np.median(differences) <= _MAX_DIFFERENCE)
