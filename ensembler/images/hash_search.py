"""Hashes that differ in few bits, found without comparing all with all.

Multi-index hashing (M. Norouzi, A. Punjani, D. Fleet, *Fast Search in Hamming Space with Multi-Index Hashing*, CVPR
2012): of two hashes that differ in at most 11 bits, one of the four parts of 16 bits differs in at most 2. So each part
is looked up in a table of that part, as it is and with each one or two of its bits turned over.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from .perceptual_hash import HASH_BITS, Hashes, compute_hamming_distances

PART_BITS = 16
PART_COUNT = HASH_BITS // PART_BITS
MAX_FLIPPED_BITS = 2
# The largest distance at which no pair is missed.
MAX_DISTANCE = PART_COUNT * (MAX_FLIPPED_BITS + 1) - 1
# Hashes read in one place of a table, so that the work stays in proportion to the photos even if thousands look alike.
# Those read are the neighbours by row, so that such photos still hang together.
MAX_ROWS_PER_KEY = 64
# Rows that are looked up at once, to bound the memory.
_BLOCK_ROWS = 1 << 16

Rows = NDArray[np.int64]


def find_near_hashes(queries: Hashes, hashes: Hashes) -> tuple[Rows, Rows, NDArray[np.int64]]:
    """Find, for each row's hash in one array, the other rows whose hash in the second array is near.

    Both arrays are of the same photos in the same order, shape (photos,), each of another version of them or the same.

    Returns
    -------
    tuple
        Rows of ``queries``, rows of ``hashes``, and how many bits differ, at most 11; each pair of different rows once.
    """
    count = len(hashes)
    pair_codes = [np.empty(0, np.int64)]
    for part in range(PART_COUNT):
        table = _PartTable(_extract_part(hashes, part))
        keys = _extract_part(queries, part)
        for mask in _FLIP_MASKS:
            for start in range(0, count, _BLOCK_ROWS):
                block = slice(start, start + _BLOCK_ROWS)
                rows, others = table.look_up(keys[block] ^ mask, start)
                near = (rows != others) & (compute_hamming_distances(queries[rows], hashes[others]) <= MAX_DISTANCE)
                pair_codes.append(rows[near] * count + others[near])
    pairs = np.unique(np.concatenate(pair_codes))
    rows, others = pairs // max(count, 1), pairs % max(count, 1)
    return rows, others, compute_hamming_distances(queries[rows], hashes[others]).astype(np.int64)


_FLIP_MASKS = [
    np.int64(sum(1 << bit for bit in bits))
    for turned in range(MAX_FLIPPED_BITS + 1)
    for bits in combinations(range(PART_BITS), turned)
]


def _extract_part(hashes: Hashes, number: int) -> NDArray[np.int64]:
    return ((hashes >> np.uint64(number * PART_BITS)) & np.uint64((1 << PART_BITS) - 1)).astype(np.int64)


class _PartTable:
    """Rows by the value of one part of their hash, in ascending order within each value."""

    def __init__(self, keys: NDArray[np.int64]) -> None:
        self.rows = np.argsort(keys, kind="stable").astype(np.int64)
        self.starts = np.concatenate([[0], np.cumsum(np.bincount(keys, minlength=1 << PART_BITS))])
        self.is_crowded = bool((np.diff(self.starts) > MAX_ROWS_PER_KEY).any())

    def look_up(self, keys: NDArray[np.int64], first: int) -> tuple[Rows, Rows]:
        """Return pairs of the rows that ask, counted from ``first``, and of those that have their keys."""
        begin, end = self.starts[keys], self.starts[keys + 1]
        if self.is_crowded:
            begin, end = self._narrow_crowded(begin, end, first)
        counts = end - begin
        queries = np.repeat(np.arange(len(keys)), counts)
        within = np.arange(len(queries)) - np.repeat(np.cumsum(counts) - counts, counts)
        return queries + first, self.rows[begin[queries] + within]

    def _narrow_crowded(self, begin: Rows, end: Rows, first: int) -> tuple[Rows, Rows]:
        """Narrow places that are too full to the rows around the one that asks."""
        begin, end = begin.copy(), end.copy()
        for query in np.flatnonzero(end - begin > MAX_ROWS_PER_KEY):
            inside = self.rows[begin[query] : end[query]]
            middle = begin[query] + int(np.searchsorted(inside, query + first))
            begin[query] = max(begin[query], middle - MAX_ROWS_PER_KEY // 2)
            end[query] = min(end[query], middle + MAX_ROWS_PER_KEY // 2)
        return begin, end
