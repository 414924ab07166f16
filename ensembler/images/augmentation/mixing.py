"""Two photos mixed into one, and their labels with them: MixUp and CutMix.

Each photo of a batch gets another one as partner, each partner once, so that every photo counts as much as before.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

# Share of photos that are mixed; half of those by MixUp, half by CutMix.
MIX_PROBABILITY = 0.5
# Parameters of the Beta distribution of shares: the papers' values for ImageNet.
MIXUP_ALPHA = 0.2
CUTMIX_ALPHA = 1.0

Batch = tuple[NDArray[np.uint8], NDArray[np.float32]]


def mix(pixels: NDArray[np.uint8], targets: NDArray[np.float32], random: Generator) -> Batch:
    """Mix some photos of a batch with others of it.

    ``pixels`` has the shape (batch, size, size, 3), ``targets`` (batch, outputs); both stay as they are. Mixed pixels
    and soft targets of the same shapes are returned.
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
    """Show one photo through another (Zhang et al., mixup: Beyond Empirical Risk Minimization, 2018).

    Returns pixels, and the first photo's share of them.
    """
    share = random.beta(MIXUP_ALPHA, MIXUP_ALPHA)
    # The larger share, so that no batch has a photo twice and lacks another.
    share = max(share, 1 - share)
    # Rounded, so that a batch stays a quarter of the size on its way to the device.
    blend = np.float32(share) * photo + np.float32(1 - share) * partner
    return np.rint(blend).astype(np.uint8), share


def cutmix(photo: NDArray[np.uint8], partner: NDArray[np.uint8], random: Generator) -> tuple[NDArray[np.uint8], float]:
    """Paste a rectangle of one photo into another (Yun et al., CutMix, 2019).

    Returns pixels, and the first photo's share of them.
    """
    side = math.sqrt(1 - random.beta(CUTMIX_ALPHA, CUTMIX_ALPHA))
    place = tuple(_choose_slice(length, side * length, random) for length in photo.shape[:2])
    mixed = photo.copy()
    mixed[place] = partner[place]
    # The rectangle may reach beyond the edge, so what counts is what was pasted.
    return mixed, 1 - mixed[place].size / mixed.size


def _choose_slice(length: int, part: float, random: Generator) -> slice:
    """Return a part of ``length`` about a random middle, cut off at the ends."""
    middle = random.uniform(0, length)
    return slice(max(0, round(middle - part / 2)), min(length, round(middle + part / 2)))
