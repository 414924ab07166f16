"""Rows are divided so that each photo stays in its batch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensembler.members.features import shards as feature_shards
from ensembler.members.features.shards import count_full_shards, divide_rows


@pytest.mark.parametrize(
    ("rows", "batch_size", "shards", "expected"),
    [
        pytest.param(1000, 32, 2, [(0, 512), (512, 1000)], id="files of photos"),
        pytest.param(1000, 32, 4, [(0, 256), (256, 512), (512, 768), (768, 1000)], id="one file each"),
        pytest.param(1000, 32, 9, [(0, 256), (256, 512), (512, 768), (768, 1000)], id="no shard has less than a file"),
        pytest.param(1000, 100, 3, [(0, 300), (300, 600), (600, 1000)], id="batches come before files"),
        pytest.param(100, 32, 3, [(0, 100)], id="few photos"),
        pytest.param(0, 32, 3, [], id="no photos"),
    ],
)
def test_unknown_rows(rows: int, batch_size: int, shards: int, expected: list[tuple[int, int]]) -> None:
    assert [(one.start, one.stop) for one in divide_rows(np.zeros(rows, bool), batch_size, shards)] == expected


def test_nothing_is_left_to_compute() -> None:
    assert divide_rows(np.ones(1000, bool), 32, 3) == []


@given(photos=st.integers(1, 200), batch_size=st.integers(1, 9))
def test_shards_that_fill_a_batch(photos: int, batch_size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feature_shards, "PHOTOS_PER_FILE", 4)
        for shards in range(1, count_full_shards(photos, batch_size) + 1):
            parts = divide_rows(np.zeros(photos, bool), batch_size, shards)
            assert len(parts) == shards
            assert min(map(len, parts)) >= batch_size


@given(known=st.lists(st.booleans(), min_size=1, max_size=200), batch_size=st.integers(1, 9), shards=st.integers(1, 9))
def test_each_photo_stays_in_its_batch_and_no_shard_is_much_larger(
    known: list[bool], batch_size: int, shards: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feature_shards, "PHOTOS_PER_FILE", 4)
        mask = np.array(known)
        parts = divide_rows(mask, batch_size, shards)
    assert len(parts) <= shards
    unknown = np.flatnonzero(~mask)
    batches = [unknown[start : start + batch_size].tolist() for start in range(0, len(unknown), batch_size)]
    found, sizes = [], []
    for part in parts:
        rows = [row for row in part if not mask[row]]
        sizes.append(len(rows))
        found += [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]
    assert found == batches
    unit = batch_size * -(-4 // batch_size)
    assert not sizes or max(sizes) <= len(unknown) / len(parts) + unit
