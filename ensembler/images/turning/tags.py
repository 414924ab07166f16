"""The orientation tag of EXIF, which tells a viewer how to turn and mirror the stored pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ORIENTATION_TAG = 0x0112
UPRIGHT = 1

# What a viewer does to pixels of shape (height, width), by tag (CIPA DC-008, Exif 2.32, section 4.6.4).
_TRANSFORMS: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    1: lambda pixels: pixels,
    2: np.fliplr,
    3: lambda pixels: np.rot90(pixels, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda pixels: np.rot90(pixels, 3),
    7: lambda pixels: np.rot90(pixels, 2).T,
    8: np.rot90,
}
# Degrees counter-clockwise by which a viewer turns the pixels. Tags 2, 4, 5 and 7 mirror them too.
_ROTATIONS = {1: 0, 2: 0, 3: 180, 4: 180, 5: 90, 6: 270, 7: 270, 8: 90}
# No symmetry maps this picture to itself.
_PROBE = np.arange(6).reshape(2, 3)


def read_tag(opened: Image.Image) -> int | None:
    """Return the orientation tag of an opened photo, None if it has none that a viewer follows."""
    tag = opened.getexif().get(ORIENTATION_TAG)
    return int(tag) if tag in _TRANSFORMS else None


def combine_with_turn(tag: int | None, angle: int) -> int:
    """Return the tag that shows a photo with ``tag`` turned clockwise by ``angle`` degrees."""
    shown = np.rot90(_TRANSFORMS[tag or UPRIGHT](_PROBE), -angle // 90)
    return next(other for other, show in _TRANSFORMS.items() if np.array_equal(show(_PROBE), shown))


def disagrees_with_pixels(tag: int | None, angle: int) -> bool:
    """Return whether the stored pixels are upright, and only the tag turns them, by ``angle`` degrees."""
    return angle != 0 and angle == _ROTATIONS[tag or UPRIGHT]
