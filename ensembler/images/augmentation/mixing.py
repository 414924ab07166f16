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


def mix(pixels: NDArray[np.uint8], targets: NDArray[np.float32], random: Generator) -> NDArray[np.float32]:
    """Mix some photos of a batch with other photos of the batch.

    Parameters
    ----------
    pixels
        Array of shape (batch, size, size, 3), which is changed in place.
    targets
        Array of shape (batch, outputs), which is not changed.
    random
        Random generator.

    Returns
    -------
    numpy.ndarray
        Soft targets of the same shape.
    """
    # Partners enter as they were before they were mixed themselves.
    originals, shares = pixels.copy(), np.ones((len(pixels), 1), np.float32)
    partners = random.permutation(len(pixels))
    for row, partner in enumerate(partners):
        chance = random.random()
        if chance < MIX_PROBABILITY / 2:
            shares[row] = mixup(pixels[row], originals[partner], random)
        elif chance < MIX_PROBABILITY:
            shares[row] = cutmix(pixels[row], originals[partner], random)
    return shares * targets + (1 - shares) * targets[partners]


def mixup(photo: NDArray[np.uint8], partner: NDArray[np.uint8], random: Generator) -> float:
    """Blend the second photo into the first (Zhang et al., mixup: Beyond Empirical Risk Minimization, 2018).

    Returns the first photo's share.
    """
    share = random.beta(MIXUP_ALPHA, MIXUP_ALPHA)
    # The photo gets the larger share, so that no photo of the batch is lost.
    share = max(share, 1 - share)
    blend = np.float32(share) * photo
    blend += np.float32(1 - share) * partner
    # Bytes need a quarter of the memory of floats on the way to the device.
    photo[:] = np.rint(blend, out=blend)
    return share


def cutmix(photo: NDArray[np.uint8], partner: NDArray[np.uint8], random: Generator) -> float:
    """Paste a rectangle of the second photo into the first (Yun et al., CutMix, 2019).

    Returns the first photo's share.
    """
    side = math.sqrt(1 - random.beta(CUTMIX_ALPHA, CUTMIX_ALPHA))
    place = tuple(_choose_slice(length, side * length, random) for length in photo.shape[:2])
    photo[place] = partner[place]
    # The rectangle may be cropped at the edge, so the pasted pixels are counted.
    return 1 - photo[place].size / photo.size


def _choose_slice(length: int, part: float, random: Generator) -> slice:
    """Return a slice of ``length`` around a random middle, cropped at the ends."""
    middle = random.uniform(0, length)
    return slice(max(0, round(middle - part / 2)), min(length, round(middle + part / 2)))
