"""Search for photos of the same picture, even if recompressed, scaled, brightened, mirrored or slightly cropped."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..competition.duplicates import DuplicatePair
from ..progress import Progress
from .hash_search import find_near_hashes
from .perceptual_hash import hash_photos
from .similarity import (
    Correlations,
    Photos,
    Thumbnail,
    align_cut,
    compute_colour_similarity,
    compute_similarity,
    normalise,
    remove_gradients,
)

# Among 2,399 photos of cats and dogs, the pixels of different photos with near hashes correlate by at most 0.90, and
# those of copies without 4 % at each border by 0.93 to 1. Without gradients of light, the correlations are at most 0.73
# for different photos, and 0.86 to 1 for copies.
MIN_PIXEL_CORRELATION = 0.94
MIN_DETAIL_CORRELATION = 0.85
MIN_COLOUR_SIMILARITY = 0.6
# Below this correlation, cropping cannot help.
_MIN_ALIGNABLE_CORRELATION = 0.4
# Least root mean square without gradients of light. Photos below are blank or dark, like many others.
_MIN_DETAIL = 3.0
# Rows and columns, out of 32, that are cropped from each photo before the comparison.
_MARGINS = (0, 1, 2)
# The mean of all photos is subtracted, such as the outline of a chest in X-rays. The mean includes this number of blank
# photos, because the mean of few photos is unreliable.
_PRIOR_PHOTOS = 100
_BLOCK_ROWS = 4096

Rows = NDArray[np.int64]


def find_near_duplicates(
    thumbnails: Mapping[str, Thumbnail], progress: Progress, to_predict: Collection[str] = frozenset()
) -> list[DuplicatePair]:
    """Find pairs of photos that show the same picture, in the order of ``thumbnails``.

    Candidates are pairs whose perceptual hashes differ in few bits. Their pixels, details and colours must then agree.
    If many photos are alike, not all pairs are found, but the pairs connect all of these photos.

    Parameters
    ----------
    thumbnails
        Thumbnails by path.
    progress
        Receiver of progress.
    to_predict
        Paths of photos that are not compared with each other.
    """
    paths = [path for path, small in thumbnails.items() if not _is_plain(small)]
    if len(paths) < 2:
        return []
    photos = _PhotoMatcher([thumbnails[path] for path in paths], np.array([path in to_predict for path in paths]))
    best: dict[tuple[int, int], tuple[int, float]] = {}
    views = [(margin, mirrored) for mirrored in (False, True) for margin in _MARGINS]
    for margin, mirrored in progress.track(views, "look for near-duplicates", len(views)):
        for row, other, distance, similarity in photos.find_pairs(margin, mirrored=mirrored):
            pair = (min(row, other), max(row, other))
            if pair not in best or similarity > best[pair][1]:
                best[pair] = (distance, similarity)
    return [DuplicatePair(paths[one], paths[other], *figures) for (one, other), figures in sorted(best.items())]


def _is_plain(small: Thumbnail) -> bool:
    detail = remove_gradients(small.grey[None].astype(np.float32))
    return float(np.sqrt(np.square(detail).mean())) < _MIN_DETAIL


class _PhotoMatcher:
    """Comparison of thumbnails, after their mean is subtracted."""

    def __init__(self, thumbnails: Sequence[Thumbnail], to_predict: NDArray[np.bool_]) -> None:
        self._grey = np.stack([small.grey for small in thumbnails])
        self._colour = np.stack([small.colour for small in thumbnails])
        self._to_predict = to_predict
        blocks = (normalise(self._grey[block].astype(np.float32)) for block in _split_blocks(len(self._grey)))
        total = np.sum([block.sum(axis=0, dtype=np.float64) for block in blocks], axis=0)
        self._common = (total / (len(self._grey) + _PRIOR_PHOTOS)).astype(np.float32)
        self._hashes = self._compute_hashes(0, mirrored=False)

    def find_pairs(self, margin: int, *, mirrored: bool) -> list[tuple[int, int, int, float]]:
        """Find pairs that show the same picture if the first photo is cropped or mirrored.

        Returns
        -------
        list of tuple
            Two rows, distance of the hashes, and correlation of the pixels.
        """
        rows, others, distances = find_near_hashes(self._compute_hashes(margin, mirrored=mirrored), self._hashes)
        # Without cropping, each pair is found twice.
        kept = ~(self._to_predict[rows] & self._to_predict[others]) & ((rows < others) | (margin > 0))
        rows, others, distances = rows[kept], others[kept], distances[kept]
        pairs: list[tuple[int, int, int, float]] = []
        for block in _split_blocks(len(rows)):
            similar = self._compare_pairs(rows[block], others[block], mirrored=mirrored)
            for place in np.flatnonzero(similar > 0):
                index = block.start + int(place)
                pairs.append(
                    (int(rows[index]), int(others[index]), int(distances[index]), round(float(similar[place]), 4))
                )
        return pairs

    def _compute_hashes(self, margin: int, *, mirrored: bool) -> NDArray[np.uint64]:
        blocks = (self._subtract_common(block, mirrored=mirrored) for block in _split_blocks(len(self._grey)))
        return np.concatenate([hash_photos(block, margin) for block in blocks])

    def _subtract_common(self, rows: Rows | slice, *, mirrored: bool = False) -> Photos:
        """Return normalised photos of shape (rows, 32, 32) without the mean of all photos."""
        grey = self._grey[rows].astype(np.float32)
        difference: Photos = normalise(grey[:, :, ::-1] if mirrored else grey) - self._common
        return difference

    def _compare_pairs(self, rows: Rows, others: Rows, *, mirrored: bool) -> NDArray[np.float32]:
        """Return the correlation of the pixels of each pair, 0 if it does not show the same picture."""
        one, other = self._subtract_common(rows, mirrored=mirrored), self._subtract_common(others)
        pixels, details = compute_similarity(one, other)
        unsure = (pixels > _MIN_ALIGNABLE_CORRELATION) & ~_agree(pixels, details)
        if unsure.any():
            aligned = align_cut(one[unsure], other[unsure])
            pixels[unsure], details[unsure] = compute_similarity(aligned, other[unsure])
        coloured = self._colour[rows].astype(np.float32)
        colours = compute_colour_similarity(
            coloured[:, :, ::-1] if mirrored else coloured, self._colour[others].astype(np.float32)
        )
        same = _agree(pixels, details) & (colours >= MIN_COLOUR_SIMILARITY)
        return np.where(same, np.minimum(pixels, 1), 0).astype(np.float32)


def _agree(pixels: Correlations, details: Correlations) -> NDArray[np.bool_]:
    return (pixels >= MIN_PIXEL_CORRELATION) & (details >= MIN_DETAIL_CORRELATION)


def _split_blocks(count: int) -> list[slice]:
    return [slice(start, min(start + _BLOCK_ROWS, count)) for start in range(0, count, _BLOCK_ROWS)]
