"""Perceptual hash of 64 bits, which changes little when a photo is compressed, scaled, brightened or slightly cropped.

See C. Zauner, *Implementation and Benchmarking of Perceptual Image Hash Functions*, 2010. Each bit is one of the lowest
frequencies of a small grey photo, compared with their median.
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

    Each of the 64 lowest frequencies sets a bit if it is above their median. Brightness and contrast do not matter.
    """
    strengths = grey.reshape(len(grey), GREY_SIDE * GREY_SIDE) @ _build_cosines(margin)
    above = strengths > np.median(strengths, axis=1, keepdims=True)
    return np.packbits(above, axis=1).view(np.uint64)[:, 0]


def compute_hamming_distances(one: Hashes, other: Hashes) -> NDArray[np.uint64]:
    """Return the number of different bits (Hamming distance) of each element, from 0 to 64."""
    bits = one ^ other
    # Sums over pairs, nibbles, bytes and all bits. NumPy has a function for it only since 2.0.
    bits -= (bits >> np.uint64(1)) & np.uint64(0x5555555555555555)
    bits = (bits & np.uint64(0x3333333333333333)) + ((bits >> np.uint64(2)) & np.uint64(0x3333333333333333))
    bits = (bits + (bits >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    counts: NDArray[np.uint64] = (bits * np.uint64(0x0101010101010101)) >> np.uint64(56)
    return counts


@cache
def _build_cosines(margin: int) -> NDArray[np.float32]:
    """Return the type-II discrete cosine transform of the photo without its margin, shape (32 * 32, 64)."""
    inner = GREY_SIDE - 2 * margin
    places = (np.arange(inner) + 0.5) / inner
    lines = np.zeros((GREY_SIDE, GREY_SIDE))
    lines[:, margin : GREY_SIDE - margin] = np.cos(np.pi * np.arange(GREY_SIDE)[:, None] * places)
    pairs = sorted(
        ((down, right) for down in range(GREY_SIDE) for right in range(GREY_SIDE)), key=lambda pair: (sum(pair), pair)
    )
    # The first frequency is the mean, which is the brightness.
    cosines = [np.outer(lines[down], lines[right]).ravel() for down, right in pairs[1 : HASH_BITS + 1]]
    return np.stack(cosines, axis=1).astype(np.float32)
