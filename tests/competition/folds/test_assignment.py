from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ensembler.competition.folds import assignment as making
from ensembler.competition.folds.assignment import assign_folds, count_independent_photos
from ensembler.errors import BadData


def column(values):
    return pd.Series(list(values), dtype=str)


@st.composite
def rows(draw):
    """Labels and groups of some rows, a number of folds and a seed."""
    folds = draw(st.integers(2, 5))
    count = draw(st.integers(folds, 60))
    labels = draw(st.lists(st.sampled_from(["cat", "dog", "a|b", ""]), min_size=count, max_size=count))
    names = st.sampled_from(["", "", "", "g1", "g2", "7"])
    groups = draw(st.lists(names, min_size=count, max_size=count))
    return column(labels), column(groups), folds, draw(st.integers(0, 2**31))


@settings(deadline=None)
@given(rows())
def test_each_row_has_one_fold_and_no_group_straddles(drawn):
    labels, groups, folds, seed = drawn
    independent = (groups == "").sum() + groups[groups != ""].nunique()
    if independent < folds:
        with pytest.raises(BadData, match=f"{folds} folds need at least {folds} independent training photos"):
            assign_folds(labels, groups, folds, seed)
        return
    assigned = assign_folds(labels, groups, folds, seed)
    assert assigned.shape == (len(labels),)
    assert set(assigned) == set(range(folds))
    for name in set(groups) - {""}:
        assert len(set(assigned[groups == name])) == 1
    np.testing.assert_array_equal(assigned, assign_folds(labels, groups, folds, seed))


@settings(deadline=None)
@given(st.integers(0, 1000), st.integers(2, 5))
def test_classes_are_spread_evenly(seed, folds):
    labels = column(["cat"] * 40 + ["dog"] * 20 + ["cow"] * 3)
    assigned = assign_folds(labels, column([""] * 63), folds, seed)
    for label in ("cat", "dog", "cow"):
        counts = np.bincount(assigned[labels == label], minlength=folds)
        assert counts.max() - counts.min() <= 1


@settings(deadline=None)
@given(rows())
def test_many_groups_are_spread_under_the_same_rules(drawn):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making, "MAX_JOINT_UNITS", 3)
        test_each_row_has_one_fold_and_no_group_straddles.hypothesis.inner_test(drawn)


def test_rows_on_their_own_are_spread_evenly_beside_many_groups(monkeypatch):
    monkeypatch.setattr(making, "MAX_JOINT_UNITS", 50)
    labels = column(["cat", "cat", "dog", "dog"] * 25)
    groups = column([f"g{row // 2}" if row < 40 else "" for row in range(100)])
    assigned = assign_folds(labels, groups, 5, 0)
    for label in ("cat", "dog"):
        assert np.bincount(assigned[40:][labels[40:] == label], minlength=5).tolist() == [6] * 5
        assert np.bincount(assigned[:40][labels[:40] == label], minlength=5).tolist() == [4] * 5


def test_groups_are_spread_evenly_too():
    labels = column(["cat", "cat", "dog", "dog"] * 25)
    groups = column([f"g{row // 2}" for row in range(100)])
    assigned = assign_folds(labels, groups, 5, 0)
    counts = np.bincount(assigned[labels == "cat"], minlength=5)
    assert counts.max() - counts.min() <= 4


def test_another_seed_makes_other_folds():
    labels, groups = column(["cat", "dog"] * 20), column([""] * 40)
    assert (assign_folds(labels, groups, 5, 0) != assign_folds(labels, groups, 5, 1)).any()


def test_a_group_may_be_named_like_a_row():
    assigned = assign_folds(column("abababab"), column(["row-3", "row-3", *[""] * 6]), 2, 0)
    assert assigned[0] == assigned[1]


@settings(deadline=None)
@given(st.integers(0, 1000))
def test_no_fold_is_empty_where_one_group_is_larger_than_all_others(seed):
    groups = column(["big"] * 50 + [""] * 4)
    assert count_independent_photos(groups) == 5
    assert sorted(np.bincount(assign_folds(column("ab" * 27), groups, 5, seed))) == [1, 1, 1, 1, 50]


def test_tags_are_spread_each_by_itself():
    labels = column(["a|b", "a", "b", "a|c", "", "c|d"] * 50)
    assigned = assign_folds(labels, column([""] * 300), 5, 0)
    for tag in "abcd":
        counts = np.bincount(assigned[labels.str.contains(tag)], minlength=5)
        assert counts.max() - counts.min() <= 1, tag
