"""MixUp and CutMix, which mix two photos and their labels.

Each photo of a batch is the partner of exactly one photo, so that all photos keep their weight.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

# Share of photos that are mixed, half of them by MixUp and half by CutMix.
MIX_PROBABILITY = 0.5
# Parameters of the Beta distribution of shares, which are the papers' values for ImageNet.
MIXUP_ALPHA = 0.2
CUTMIX_ALPHA = 1.0

Batch = tuple[NDArray[np.uint8], NDArray[np.float32]]


def mix(pixels: NDArray[np.uint8], targets: NDArray[np.float32], random: Generator) -> Batch:
    """Mix some photos of a batch with other photos of the batch.

    Parameters
    ----------
    pixels, targets
        Arrays of shape (batch, size, size, 3) and (batch, outputs), which are not changed.
    random
        Random generator.

    Returns
    -------
    tuple
        Mixed pixels and soft targets of the same shapes.
    """
    mixed, shares = pixels.copy(), np.ones((len(pixels), 1), np.float32)
    partners = random.permutation(len(pixels))
    for row, partner in enumerate(partners):
        chance = random.random()
        if chance < MIX_PROBABILITY / 2:
            mixed[row], shares[row] = mixup(pixels[row], pixels[partner], random)
        elif chance < MIX_PROBABILITY:
            mixed[row], shares[row] = cutmix(pixels[row], pixels[partner], random)
    return mixed, shares * targets + (1 - shares) * targets[partners]


def mixup(photo: NDArray[np.uint8], partner: NDArray[np.uint8], random: Generator) -> tuple[NDArray[np.uint8], float]:
    """Blend two photos (Zhang et al., mixup: Beyond Empirical Risk Minimization, 2018).

    Returns the pixels and the first photo's share.
    """
    share = random.beta(MIXUP_ALPHA, MIXUP_ALPHA)
    # The photo gets the larger share, so that no photo of the batch is lost.
    share = max(share, 1 - share)
    # Bytes need a quarter of the memory of floats on the way to the device.
    blend = np.float32(share) * photo + np.float32(1 - share) * partner
    return np.rint(blend).astype(np.uint8), share


def cutmix(photo: NDArray[np.uint8], partner: NDArray[np.uint8], random: Generator) -> tuple[NDArray[np.uint8], float]:
    """Paste a rectangle of the second photo into the first (Yun et al., CutMix, 2019).

    Returns the pixels and the first photo's share.
    """
    side = math.sqrt(1 - random.beta(CUTMIX_ALPHA, CUTMIX_ALPHA))
    place = tuple(_choose_slice(length, side * length, random) for length in photo.shape[:2])
    mixed = photo.copy()
    mixed[place] = partner[place]
    # The rectangle may be cropped at the edge, so the pasted pixels are counted.
    return mixed, 1 - mixed[place].size / mixed.size


def _choose_slice(length: int, part: float, random: Generator) -> slice:
    """Return a slice of ``length`` around a random middle, cropped at the ends."""
    middle = random.uniform(0, length)
    return slice(max(0, round(middle - part / 2)), min(length, round(middle + part / 2)))
