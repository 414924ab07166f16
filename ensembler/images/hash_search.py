"""Search for hashes that differ in few bits, without comparing all pairs.

Multi-index hashing (M. Norouzi, A. Punjani, D. Fleet, *Fast Search in Hamming Space with Multi-Index Hashing*, CVPR
2012): if two hashes differ in at most 11 bits, one of their four parts of 16 bits differs in at most 2. Therefore each
part is looked up in a table of that part, unchanged and with each one or two of its bits flipped.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from .perceptual_hash import HASH_BITS, Hashes, compute_hamming_distances

PART_BITS = 16
PART_COUNT = HASH_BITS // PART_BITS
MAX_FLIPPED_BITS = 2
# Largest distance at which no pair is missed.
MAX_DISTANCE = PART_COUNT * (MAX_FLIPPED_BITS + 1) - 1
# Largest number of hashes that are read per key, so that the work is linear even if thousands of photos look alike. The
# neighbours by row are read, so that such photos remain connected.
MAX_ROWS_PER_KEY = 64
# Rows that are looked up at once, which limits memory.
_BLOCK_ROWS = 1 << 16

Rows = NDArray[np.int64]


def find_near_hashes(queries: Hashes, hashes: Hashes) -> tuple[Rows, Rows, NDArray[np.int64]]:
    """Find pairs of photos whose hash in the first array is near the other's hash in the second array.

    Both arrays have the shape (photos,) and the same order of photos, possibly in different versions.

    Returns
    -------
    tuple
        Rows of ``queries``, rows of ``hashes``, and number of different bits, at most 11. Each pair of different rows
        occurs once.
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
    for flipped in range(MAX_FLIPPED_BITS + 1)
    for bits in combinations(range(PART_BITS), flipped)
]


def _extract_part(hashes: Hashes, number: int) -> NDArray[np.int64]:
    return ((hashes >> np.uint64(number * PART_BITS)) & np.uint64((1 << PART_BITS) - 1)).astype(np.int64)


class _PartTable:
    """Index of rows by one part of their hash, with ascending rows for each key."""

    def __init__(self, keys: NDArray[np.int64]) -> None:
        self.rows = np.argsort(keys, kind="stable").astype(np.int64)
        self.starts = np.concatenate([[0], np.cumsum(np.bincount(keys, minlength=1 << PART_BITS))])
        self.is_crowded = bool((np.diff(self.starts) > MAX_ROWS_PER_KEY).any())

    def look_up(self, keys: NDArray[np.int64], first: int) -> tuple[Rows, Rows]:
        """Return pairs of query rows, counted from ``first``, and rows with the same key."""
        begin, end = self.starts[keys], self.starts[keys + 1]
        if self.is_crowded:
            begin, end = self._narrow_crowded(begin, end, first)
        counts = end - begin
        queries = np.repeat(np.arange(len(keys)), counts)
        within = np.arange(len(queries)) - np.repeat(np.cumsum(counts) - counts, counts)
        return queries + first, self.rows[begin[queries] + within]

    def _narrow_crowded(self, begin: Rows, end: Rows, first: int) -> tuple[Rows, Rows]:
        """Narrow ranges of too many rows to the rows around the query."""
        begin, end = begin.copy(), end.copy()
        for query in np.flatnonzero(end - begin > MAX_ROWS_PER_KEY):
            inside = self.rows[begin[query] : end[query]]
            middle = begin[query] + int(np.searchsorted(inside, query + first))
            begin[query] = max(begin[query], middle - MAX_ROWS_PER_KEY // 2)
            end[query] = min(end[query], middle + MAX_ROWS_PER_KEY // 2)
        return begin, end
