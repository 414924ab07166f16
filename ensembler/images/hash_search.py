"""Hashes that differ in few bits, found without comparing all with all.

Multi-index hashing (M. Norouzi, A. Punjani, D. Fleet, *Fast Search in Hamming Space with Multi-Index Hashing*, CVPR
2012): of two hashes that differ in at most 11 bits, one of the four parts of 16 bits differs in at most 2. So each part
is looked up in a table of that part, as it is and with each one or two of its bits turned over.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from .perceptual_hash import BITS, Hashes, distances

PART = 16
PARTS = BITS // PART
TURNED = 2
# The largest distance of which no pair is missed.
RADIUS = PARTS * (TURNED + 1) - 1
# Hashes read in one place of a table, so that the work stays in proportion to the photos even if thousands look alike.
# Those read are the neighbours by row, so that such photos still hang together.
MOST = 64
# Looked up at once, to bound the memory.
_BLOCK = 1 << 16

Rows = NDArray[np.int64]


def near_hashes(asked: Hashes, hashes: Hashes) -> tuple[Rows, Rows, NDArray[np.int64]]:
    """Find, for each row's hash in one array, the other rows whose hash in the second array is near.

    Parameters
    ----------
    asked, hashes
        Of the same photos in the same order, shape (photos,); of each photo another version, or the same.

    Returns
    -------
    tuple
        Rows of ``asked``, rows of ``hashes``, and how many bits differ, at most 11; each pair of different rows once.
    """
    count = len(hashes)
    found = [np.empty(0, np.int64)]
    for part in range(PARTS):
        table = _Table(_part(hashes, part))
        keys = _part(asked, part)
        for turned in _TURNS:
            for start in range(0, count, _BLOCK):
                block = slice(start, start + _BLOCK)
                rows, others = table.look_up(keys[block] ^ turned, start)
                near = (rows != others) & (distances(asked[rows], hashes[others]) <= RADIUS)
                found.append(rows[near] * count + others[near])
    pairs = np.unique(np.concatenate(found))
    rows, others = pairs // max(count, 1), pairs % max(count, 1)
    return rows, others, distances(asked[rows], hashes[others]).astype(np.int64)


_TURNS = [
    np.int64(sum(1 << bit for bit in bits))
    for turned in range(TURNED + 1)
    for bits in combinations(range(PART), turned)
]


def _part(hashes: Hashes, number: int) -> NDArray[np.int64]:
    return ((hashes >> np.uint64(number * PART)) & np.uint64((1 << PART) - 1)).astype(np.int64)


class _Table:
    """Rows by the value of one part of their hash, in ascending order within each value."""

    def __init__(self, keys: NDArray[np.int64]) -> None:
        self.rows = np.argsort(keys, kind="stable").astype(np.int64)
        self.starts = np.concatenate([[0], np.cumsum(np.bincount(keys, minlength=1 << PART))])
        self.crowded = bool((np.diff(self.starts) > MOST).any())

    def look_up(self, keys: NDArray[np.int64], first: int) -> tuple[Rows, Rows]:
        """Return pairs of the rows that ask, counted from ``first``, and of those that have their keys."""
        begin, end = self.starts[keys], self.starts[keys + 1]
        if self.crowded:
            begin, end = self._thinned(begin, end, first)
        counts = end - begin
        asking = np.repeat(np.arange(len(keys)), counts)
        within = np.arange(len(asking)) - np.repeat(np.cumsum(counts) - counts, counts)
        return asking + first, self.rows[begin[asking] + within]

    def _thinned(self, begin: Rows, end: Rows, first: int) -> tuple[Rows, Rows]:
        """Narrow places that are too full to the rows around the one that asks."""
        begin, end = begin.copy(), end.copy()
        for asking in np.flatnonzero(end - begin > MOST):
            inside = self.rows[begin[asking] : end[asking]]
            middle = begin[asking] + int(np.searchsorted(inside, asking + first))
            begin[asking] = max(begin[asking], middle - MOST // 2)
            end[asking] = min(end[asking], middle + MOST // 2)
        return begin, end
