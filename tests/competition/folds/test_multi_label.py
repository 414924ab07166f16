from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ensembler.competition.folds.multi_label import spread_tags

TAGS = st.lists(st.sampled_from("abcd"), max_size=3, unique=True).map("|".join)


@settings(deadline=None)
@given(st.lists(st.tuples(TAGS, st.integers(0, 9)), min_size=1, max_size=50), st.integers(1, 5), st.integers(0, 2**31))
def test_units_stay_whole_and_no_fold_is_empty(rows, folds, seed):
    labels = pd.Series([tags for tags, _ in rows], dtype=str)
    units = pd.factorize(pd.Series([unit for _, unit in rows]))[0].astype(np.int64)
    folds = min(folds, int(units.max()) + 1)
    assigned = spread_tags(labels, units, folds, seed)
    assert set(assigned) == set(range(folds))
    assert (pd.Series(assigned).groupby(units).nunique() == 1).all()
    np.testing.assert_array_equal(spread_tags(labels, units, folds, seed), assigned)


def film_posters(rows: int) -> pd.Series:
    """Labels of unlike frequency that come together as they like."""
    random = np.random.default_rng(0)
    flags = random.random((rows, 8)) < np.array([0.5, 0.3, 0.2, 0.1, 0.05, 0.03, 0.02, 0.01])
    return pd.Series(["|".join(f"t{tag}" for tag in np.flatnonzero(row)) for row in flags], dtype=str)


@pytest.mark.parametrize("a_group", [1, 3])
def test_each_tag_has_its_share_in_each_fold(a_group):
    labels = film_posters(2000)
    assigned = spread_tags(labels, np.arange(2000) // a_group, 5, 0)
    sizes = np.bincount(assigned)
    assert sizes.max() - sizes.min() <= 40
    for tag in range(8):
        counts = np.bincount(assigned[labels.str.contains(f"t{tag}")], minlength=5)
        assert counts.max() - counts.min() <= max(2 * a_group, 0.03 * counts.sum()), tag


def test_the_rarest_tag_is_spread_though_others_are_frequent():
    labels = pd.Series(["a|b"] * 95 + ["a|b|rare"] * 5, dtype=str)
    assigned = spread_tags(labels, np.arange(100), 5, 0)
    assert np.bincount(assigned[95:]).tolist() == [1] * 5
