"""Random erasing of a rectangle (Zhong et al., Random Erasing Data Augmentation, 2020)."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

# Share of photos in which a rectangle is erased.
PROBABILITY = 0.25
# Least and largest share of the photo's area. The paper's maximum is 0.4, which hides whole animals here.
AREA_SHARES = (0.02, 0.2)
# Smallest ratio of height to width. The largest is its inverse.
MIN_ASPECT_RATIO = 0.3


def erase_rectangle(pixels: NDArray[np.uint8], random: Generator) -> NDArray[np.uint8]:
    """Replace a random rectangle by random colours in some of the photos, which are copied."""
    if random.random() >= PROBABILITY:
        return pixels
    erased = pixels.copy()
    place = _choose_rectangle(pixels.shape[0], pixels.shape[1], random)
    erased[place] = random.integers(256, size=erased[place].shape, dtype=np.uint8)
    return erased


def _choose_rectangle(height: int, width: int, random: Generator) -> tuple[slice, slice]:
    area = random.uniform(*AREA_SHARES) * height * width
    ratio = math.exp(random.uniform(math.log(MIN_ASPECT_RATIO), -math.log(MIN_ASPECT_RATIO)))
    rows = min(height, max(1, round(math.sqrt(area * ratio))))
    columns = min(width, max(1, round(math.sqrt(area / ratio))))
    top, left = random.integers(height - rows + 1), random.integers(width - columns + 1)
    return slice(top, top + rows), slice(left, left + columns)
