from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ensembler.competition.folds import load_folds, make_folds, shared_folds
from ensembler.competition.manifest import AnswerLayout, Manifest, TestLayout, TrainLayout
from ensembler.competition.tables import Tables
from ensembler.errors import BadChoice, BadData, Mismatch
from ensembler.storage import CompetitionFolder

MANIFEST = Manifest(
    "pets",
    "",
    "binary",
    ("cat", "dog"),
    ".",
    TrainLayout("train", "names"),
    TestLayout("test"),
    AnswerLayout("s.csv", "id", ("dog",), "probabilities"),
)


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
            make_folds(labels, groups, folds, seed)
        return
    assigned = make_folds(labels, groups, folds, seed)
    assert assigned.shape == (len(labels),)
    assert set(assigned) == set(range(folds))
    for name in set(groups) - {""}:
        assert len(set(assigned[groups == name])) == 1
    np.testing.assert_array_equal(assigned, make_folds(labels, groups, folds, seed))


@settings(deadline=None)
@given(st.integers(0, 1000), st.integers(2, 5))
def test_classes_are_spread_evenly(seed, folds):
    labels = column(["cat"] * 40 + ["dog"] * 20 + ["cow"] * 3)
    assigned = make_folds(labels, column([""] * 63), folds, seed)
    for label in ("cat", "dog", "cow"):
        counts = np.bincount(assigned[labels == label], minlength=folds)
        assert counts.max() - counts.min() <= 1


def test_groups_are_spread_evenly_too():
    labels = column(["cat", "cat", "dog", "dog"] * 25)
    groups = column([f"g{row // 2}" for row in range(100)])
    assigned = make_folds(labels, groups, 5, 0)
    counts = np.bincount(assigned[labels == "cat"], minlength=5)
    assert counts.max() - counts.min() <= 4


def test_another_seed_makes_other_folds():
    labels, groups = column(["cat", "dog"] * 20), column([""] * 40)
    assert (make_folds(labels, groups, 5, 0) != make_folds(labels, groups, 5, 1)).any()


def test_a_group_may_be_named_like_a_row():
    assigned = make_folds(column("abababab"), column(["row-3", "row-3", *[""] * 6]), 2, 0)
    assert assigned[0] == assigned[1]


def tables_of(ids):
    labels = ["cat" if row % 2 else "dog" for row in range(len(ids))]
    train = pd.DataFrame({"id": column(ids), "path": column(ids), "label": column(labels), "group": ""})
    return Tables(MANIFEST, None, train, train)


IDS = [f"{row:03d}" for row in range(20)]


@pytest.fixture
def folder(tmp_path):
    return CompetitionFolder(tmp_path)


def test_folds_are_made_once(folder):
    made = shared_folds(folder, tables_of(IDS), 5, 0)
    assert folder.folds.read_text().startswith(f"id,fold\n000,{made[0]}\n001,{made[1]}\n")
    np.testing.assert_array_equal(shared_folds(folder, tables_of(IDS), 5, seed=99), made)


def test_folds_are_joined_by_id(folder):
    made = shared_folds(folder, tables_of(IDS), 5, 0)
    lines = folder.folds.read_text().splitlines()
    folder.folds.write_text("\n".join([lines[0], *reversed(lines[1:])]))
    np.testing.assert_array_equal(load_folds(folder, tables_of(IDS)), made)


def test_another_number_of_folds_is_refused(folder):
    shared_folds(folder, tables_of(IDS), 5, 0)
    with pytest.raises(Mismatch, match=r"folds\.csv has 5 folds, 3 were asked for: use --folds 5, or delete"):
        shared_folds(folder, tables_of(IDS), 3, 0)


@pytest.mark.parametrize("ids", [IDS[:-1], [*IDS, "x"], [*IDS[:-1], "x"]])
def test_other_photos_are_refused(folder, ids):
    shared_folds(folder, tables_of(IDS), 5, 0)
    with pytest.raises(Mismatch, match=r"folds\.csv was made for other photos than .*train\.csv lists"):
        shared_folds(folder, tables_of(ids), 5, 0)


def test_folds_made_before_the_groups_were_known_are_refused(folder):
    tables = tables_of(IDS)
    made = shared_folds(folder, tables, 5, 0)
    tables.train["group"] = [f"p{fold}" for fold in made]
    np.testing.assert_array_equal(load_folds(folder, tables), made)
    tables.train.loc[made == 1, "group"] = "p0"
    with pytest.raises(Mismatch, match=r"folds\.csv splits 1 group of \S+train\.csv \(first: 'p0'\): delete it and"):
        shared_folds(folder, tables, 5, 0)


@pytest.mark.parametrize("folds", [-1, 0, 1])
def test_too_few_folds(folder, folds):
    with pytest.raises(BadChoice, match=f"At least 2 folds.*Received: {folds}"):
        shared_folds(folder, tables_of(IDS), folds, 0)
    assert not folder.folds.exists()


def test_too_few_photos(folder):
    with pytest.raises(BadData, match="5 folds need at least 5 independent training photos, there are 4"):
        shared_folds(folder, tables_of(IDS[:4]), 5, 0)
    assert not folder.folds.exists()


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("id,part\na,0\nb,1\n", BadData, "must have the columns id and fold"),
        ("id,fold\na,0\nb,x\n", BadData, "must have the columns id and fold, a number"),
        ("id,fold\na,-1\nb,0\n", BadData, "a number from 0"),
        ("id,fold\na,1\nb,2\n", BadData, "numbered 0, 1, ... without a gap"),
        ("id,fold\na,0\nb,0\n", BadData, "numbered 0, 1"),
        ("id,fold\na,0\na,1\n", Mismatch, "other photos"),
        ("", BadData, "Cannot read"),
    ],
)
def test_damaged_folds(folder, text, error, says):
    folder.folds.write_text(text)
    with pytest.raises(error, match=rf"folds\.csv.*{says}|{says}.*folds\.csv"):
        load_folds(folder, tables_of(["a", "b"]))
