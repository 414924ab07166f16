"""A photo in 64 bits that stay nearly the same when it is compressed, scaled, brightened or cut a little.

It is the perceptual hash of C. Zauner (*Implementation and Benchmarking of Perceptual Image Hash Functions*, 2010): the
lowest frequencies of a small grey photo, each above or below their median.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

# Height and width of the grey photos that are hashed.
GREY_SIDE = 32
HASH_BITS = 64

Hashes = NDArray[np.uint64]


def hash_photos(grey: NDArray[np.floating], margin: int = 0) -> Hashes:
    """Hash grey photos of shape (photos, 32, 32), without ``margin`` rows and columns at each border.

    Brightness and contrast make no difference. Of the 64 lowest frequencies, each sets a bit if it is above their
    median.
    """
    strengths = grey.reshape(len(grey), GREY_SIDE * GREY_SIDE) @ _build_cosines(margin)
    above = strengths > np.median(strengths, axis=1, keepdims=True)
    return np.packbits(above, axis=1).view(np.uint64)[:, 0]


def compute_hamming_distances(one: Hashes, other: Hashes) -> NDArray[np.uint64]:
    """Count the bits that differ (Hamming distance), element by element, from 0 to 64."""
    bits = one ^ other
    # Sums of neighbours, of pairs, of nibbles, then of all bytes: NumPy counts bits by itself only since 2.0.
    bits -= (bits >> np.uint64(1)) & np.uint64(0x5555555555555555)
    bits = (bits & np.uint64(0x3333333333333333)) + ((bits >> np.uint64(2)) & np.uint64(0x3333333333333333))
    bits = (bits + (bits >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    counts: NDArray[np.uint64] = (bits * np.uint64(0x0101010101010101)) >> np.uint64(56)
    return counts


@cache
def _build_cosines(margin: int) -> NDArray[np.float32]:
    """Cosines that strengths of frequencies are measured by, shape (32 * 32, 64).

    They span the photo without its margin: the type-II discrete cosine transform of what is left.
    """
    inner = GREY_SIDE - 2 * margin
    places = (np.arange(inner) + 0.5) / inner
    lines = np.zeros((GREY_SIDE, GREY_SIDE))
    lines[:, margin : GREY_SIDE - margin] = np.cos(np.pi * np.arange(GREY_SIDE)[:, None] * places)
    pairs = sorted(
        ((down, right) for down in range(GREY_SIDE) for right in range(GREY_SIDE)), key=lambda pair: (sum(pair), pair)
    )
    # The first is the mean, which is only the brightness.
    cosines = [np.outer(lines[down], lines[right]).ravel() for down, right in pairs[1 : HASH_BITS + 1]]
    return np.stack(cosines, axis=1).astype(np.float32)
