from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ensembler.images.hash_search import MAX_DISTANCE, MAX_ROWS_PER_KEY, find_near_hashes
from ensembler.images.perceptual_hash import compute_hamming_distances


def planted(count: int, seed: int) -> np.ndarray:
    """Random hashes; each of the second half is one of the first half with some bits turned over."""
    random = np.random.default_rng(seed)
    hashes = random.integers(0, 2**64, count, dtype=np.uint64)
    for row in range(count // 2, count):
        turned = random.choice(64, random.integers(0, MAX_DISTANCE + 6), replace=False).astype(np.uint64)
        hashes[row] = hashes[row - count // 2] ^ np.bitwise_or.reduce(np.uint64(1) << turned, initial=np.uint64(0))
    return hashes


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 80), st.integers(0, 1000))
def test_all_near_ones_are_found_and_no_others(count: int, seed: int) -> None:
    hashes = planted(count, seed)
    rows, others, apart = find_near_hashes(hashes, hashes)
    expected = {
        (one, other): sum(a != b for a, b in zip(f"{hashes[one]:064b}", f"{hashes[other]:064b}", strict=True))
        for one in range(count)
        for other in range(count)
        if one != other
    }
    found = dict(zip(zip(rows.tolist(), others.tolist(), strict=True), apart.tolist(), strict=True))
    assert found == {pair: bits for pair, bits in expected.items() if bits <= MAX_DISTANCE}


def test_two_versions_of_hashes() -> None:
    hashes, other = planted(10, 0), planted(10, 1)
    other[3] = hashes[7]
    rows, others, apart = find_near_hashes(hashes, other)
    assert (rows.tolist(), others.tolist(), apart.tolist()) == ([7], [3], [0])


def test_thousands_of_one_hash_hang_together_without_all_pairs() -> None:
    count = 3000
    rows, others, _ = find_near_hashes(np.full(count, 5, np.uint64), np.full(count, 5, np.uint64))
    assert set(zip(range(count - 1), range(1, count), strict=True)) <= set(
        zip(rows.tolist(), others.tolist(), strict=True)
    )
    assert len(rows) <= count * MAX_ROWS_PER_KEY


@pytest.mark.parametrize(("one", "other", "bits"), [(0, 0, 0), (0, 2**64 - 1, 64), (0b1011, 0b0110, 3), (2**63, 0, 1)])
def test_distances_count_bits(one: int, other: int, bits: int) -> None:
    assert compute_hamming_distances(np.array([one], np.uint64), np.array([other], np.uint64)).tolist() == [bits]
