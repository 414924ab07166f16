from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from helpers.members_made import small_competition

from ensembler.competition.folds.file import load_folds
from ensembler.competition.folds.stratified_order import order_by_strata, order_photos

STRATA = ["a"] * 60 + ["b"] * 30 + ["c"] * 9 + ["d"]


@pytest.mark.parametrize("seed", range(5))
def test_each_beginning_is_like_the_whole(seed: int) -> None:
    order = order_by_strata(STRATA, seed)
    assert sorted(order) == list(range(100))
    for photos in range(1, 101):
        counted = Counter(STRATA[row] for row in order[:photos])
        for stratum, count in Counter(STRATA).items():
            assert abs(counted[stratum] - count * photos / 100) < 2


def test_order_depends_on_the_seed_alone() -> None:
    assert np.array_equal(order_by_strata(STRATA, 1), order_by_strata(STRATA, 1))
    assert not np.array_equal(order_by_strata(STRATA, 1), order_by_strata(STRATA, 2))
    # A stratum of one row is not always in the same place.
    assert len({int(np.flatnonzero(order_by_strata(STRATA, seed) == 99)[0]) // 10 for seed in range(40)}) > 5


def test_folds_and_labels_are_spread(tmp_path) -> None:
    folder, tables = small_competition(tmp_path)
    folds = load_folds(folder, tables)
    order = order_photos(tables, folds, 0)[: len(tables.train) // 2]
    assert set(folds.assigned[order, 0]) == {0, 1, 2}
    assert max(Counter(tables.train["label"].iloc[order]).values()) <= 5
