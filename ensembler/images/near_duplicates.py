"""Photos that show the same picture twice: one compressed anew, scaled, brightened, mirrored or cut a little."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..competition.duplicates import Pair
from ..progress import Progress
from .hash_search import near_hashes
from .miniatures import Miniature
from .perceptual_hash import hashes_of
from .similarity import Photos, colour_likeness, laid_over, likeness, normalised, without_gradients

# The second measure. Of 2,399 photos of cats and dogs, pixels of different ones with near hashes correlate by 0.90 at
# most; with copies of themselves that lack a twenty-fifth at each border, by 0.93 to 1. What is left without gradients
# of light correlates by 0.73 at most, and by 0.86 to 1.
SAME_PIXELS = 0.94
SAME_DETAILS = 0.85
SAME_COLOURS = 0.6
# Less correlation than that is not mended by cutting.
_HOPELESS = 0.4
# Root mean square of what is left without gradients of light: a photo of less is blank or dark, like many others.
_PLAIN = 3.0
# Rows and columns of 32 by which each photo is cut before it is looked for among the others.
_MARGINS = (0, 1, 2)
# What all photos have in common is taken away, such as the outline of a chest in X-rays. Few photos say little of it,
# so these are added, which have nothing in common.
_FEW = 100
_BLOCK = 4096

Rows = NDArray[np.int64]


def near_duplicates(
    miniatures: Mapping[str, Miniature], progress: Progress, unasked: Collection[str] = frozenset()
) -> list[Pair]:
    """Find pairs of photos that show the same picture.

    Candidates are those whose perceptual hashes differ in few bits; pixels, details and colours must then agree.

    Parameters
    ----------
    miniatures
        By path, of all photos that are to be compared.
    progress
        Hears of each look at all photos.
    unasked
        Paths of photos that are not compared with each other, though with the rest.

    Returns
    -------
    list of Pair
        Each pair once, in the order of ``miniatures``. Where many photos are alike, not all pairs of them are listed,
        but they hang together.
    """
    told = [path for path, small in miniatures.items() if not _is_plain(small)]
    if len(told) < 2:
        return []
    photos = _Photos([miniatures[path] for path in told], np.array([path in unasked for path in told]))
    found: dict[tuple[int, int], tuple[int, float]] = {}
    views = [(margin, mirrored) for mirrored in (False, True) for margin in _MARGINS]
    for margin, mirrored in progress.track(views, "look for near-duplicates", len(views)):
        for row, other, distance, similarity in photos.alike(margin, mirrored=mirrored):
            pair = (min(row, other), max(row, other))
            if pair not in found or similarity > found[pair][1]:
                found[pair] = (distance, similarity)
    return [Pair(told[one], told[other], *figures) for (one, other), figures in sorted(found.items())]


def _is_plain(small: Miniature) -> bool:
    detail = without_gradients(small.grey[None].astype(np.float32))
    return float(np.sqrt(np.square(detail).mean())) < _PLAIN


class _Photos:
    """Small photos side by side, without what all of them have in common."""

    def __init__(self, miniatures: Sequence[Miniature], unasked: NDArray[np.bool_]) -> None:
        self._grey = np.stack([small.grey for small in miniatures])
        self._colour = np.stack([small.colour for small in miniatures])
        self._unasked = unasked
        blocks = (normalised(self._grey[block].astype(np.float32)) for block in _blocks(len(self._grey)))
        total = np.sum([block.sum(axis=0, dtype=np.float64) for block in blocks], axis=0)
        self._common = (total / (len(self._grey) + _FEW)).astype(np.float32)
        self._hashes = self._hashed(0, mirrored=False)

    def alike(self, margin: int, *, mirrored: bool) -> list[tuple[int, int, int, float]]:
        """Return pairs that show the same picture if the first is cut at its borders, or mirrored.

        They are two rows, the distance of the hashes, and the correlation of the pixels.
        """
        rows, others, distances = near_hashes(self._hashed(margin, mirrored=mirrored), self._hashes)
        # Looked for whole, both would find each other.
        kept = ~(self._unasked[rows] & self._unasked[others]) & ((rows < others) | (margin > 0))
        rows, others, distances = rows[kept], others[kept], distances[kept]
        pairs: list[tuple[int, int, int, float]] = []
        for block in _blocks(len(rows)):
            similar = self._compared(rows[block], others[block], mirrored=mirrored)
            for place in np.flatnonzero(similar > 0):
                told = block.start + int(place)
                pairs.append(
                    (int(rows[told]), int(others[told]), int(distances[told]), round(float(similar[place]), 4))
                )
        return pairs

    def _hashed(self, margin: int, *, mirrored: bool) -> NDArray[np.uint64]:
        everyone = np.arange(len(self._grey))
        return np.concatenate(
            [hashes_of(self._own(everyone[block], mirrored=mirrored), margin) for block in _blocks(len(everyone))]
        )

    def _own(self, rows: Rows, *, mirrored: bool = False) -> Photos:
        """Return what photos have of their own, shape (rows, 32, 32)."""
        grey = self._grey[rows].astype(np.float32)
        own: Photos = normalised(grey[:, :, ::-1] if mirrored else grey) - self._common
        return own

    def _compared(self, rows: Rows, others: Rows, *, mirrored: bool) -> NDArray[np.float32]:
        """Correlation of the pixels of each pair, 0 where it does not show the same picture."""
        one, other = self._own(rows, mirrored=mirrored), self._own(others)
        pixels, details = likeness(one, other)
        unsure = (pixels > _HOPELESS) & ~((pixels >= SAME_PIXELS) & (details >= SAME_DETAILS))
        if unsure.any():
            laid = laid_over(one[unsure], other[unsure])
            pixels[unsure], details[unsure] = likeness(laid, other[unsure])
        coloured = self._colour[rows].astype(np.float32)
        colours = colour_likeness(
            coloured[:, :, ::-1] if mirrored else coloured, self._colour[others].astype(np.float32)
        )
        same = (pixels >= SAME_PIXELS) & (details >= SAME_DETAILS) & (colours >= SAME_COLOURS)
        return np.where(same, np.minimum(pixels, 1), 0).astype(np.float32)


def _blocks(count: int) -> list[slice]:
    return [slice(start, min(start + _BLOCK, count)) for start in range(0, count, _BLOCK)]
