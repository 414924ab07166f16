from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from helpers.members_made import small_competition

from ensembler.members.fine_tuning.validation_split import split_validation_rows


def test_one_in_ten_is_watched_class_by_class_and_by_the_seed(tmp_path: Path) -> None:
    _, tables = small_competition(tmp_path)
    rows = np.arange(4, len(tables.train))
    learned, watched = split_validation_rows(rows, tables, 0)
    assert sorted([*learned, *watched]) == rows.tolist()
    assert 1 <= len(watched) <= 3
    assert np.array_equal(split_validation_rows(rows, tables, 0)[1], watched)
    assert any(not np.array_equal(split_validation_rows(rows, tables, seed)[1], watched) for seed in range(1, 5))


def test_groups_are_not_split(tmp_path: Path) -> None:
    _, tables = small_competition(tmp_path)
    tables.train["group"] = pd.Series([str(row // 2) for row in range(len(tables.train))])
    rows = np.arange(len(tables.train))
    for seed in range(5):
        learned, watched = split_validation_rows(rows, tables, seed)
        assert not set(tables.train["group"].iloc[learned]) & set(tables.train["group"].iloc[watched])
