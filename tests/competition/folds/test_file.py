from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ensembler.competition.folds.file import build_folds, load_folds, load_or_make_folds
from ensembler.competition.manifest import AnswerLayout, Manifest, TestLayout, TrainLayout
from ensembler.competition.tables import Tables
from ensembler.errors import BadChoice, BadData, Mismatch
from ensembler.paths import CompetitionFolder

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


def tables_of(ids):
    labels = ["cat" if row % 2 else "dog" for row in range(len(ids))]
    train = pd.DataFrame({"id": column(ids), "path": column(ids), "label": column(labels), "group": ""})
    return Tables(MANIFEST, None, train, train)


IDS = [f"{row:03d}" for row in range(20)]


@pytest.fixture
def folder(tmp_path):
    return CompetitionFolder(tmp_path)


def test_folds_are_made_once(folder):
    made = load_or_make_folds(folder, tables_of(IDS), 5).assigned
    assert folder.folds.read_text().startswith(f"id,fold\n000,{made[0, 0]}\n001,{made[1, 0]}\n")
    for asked in (5, None):
        np.testing.assert_array_equal(load_or_make_folds(folder, tables_of(IDS), asked, seed=99).assigned, made)


def test_folds_are_joined_by_id(folder):
    made = load_or_make_folds(folder, tables_of(IDS), 5, 2).assigned
    lines = folder.folds.read_text().splitlines()
    folder.folds.write_text("\n".join([lines[0], *reversed(lines[1:])]))
    np.testing.assert_array_equal(load_folds(folder, tables_of(IDS)).assigned, made)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (
            {"folds": 3},
            r"folds\.csv contains 5 folds instead of 3: omit folds, or .*`ensembler\.folds\(folds=3\)`",
        ),
        ({"repeats": 2}, r"contains 1 repeat instead of 2: omit repeats, or .*`ensembler\.folds\(repeats=2\)`"),
    ],
)
def test_other_numbers_than_are_there_are_refused(folder, asked, says):
    load_or_make_folds(folder, tables_of(IDS), 5)
    with pytest.raises(Mismatch, match=says):
        load_or_make_folds(folder, tables_of(IDS), **asked)


@pytest.mark.parametrize(("folds", "repeats"), [(None, None), (3, None), (2, 3), (1, None), (1, 2)])
def test_what_is_there_is_taken_where_nothing_is_asked_for(folder, folds, repeats):
    tables = tables_of(IDS)
    made = load_or_make_folds(folder, tables, folds, repeats, seed=3)
    again = load_or_make_folds(folder, tables)
    assert (again.count, again.repeats) == (made.count, made.repeats) == (folds or 5, repeats or 1)
    np.testing.assert_array_equal(again.assigned, made.assigned)
    np.testing.assert_array_equal(again.make_inner_folds(0), made.make_inner_folds(0))
    assert (again.assigned == build_folds(tables, folds, repeats, 3).assigned).all()


def test_photos_that_are_never_held_out_have_an_empty_cell(folder):
    made = load_or_make_folds(folder, tables_of(IDS), 1, 2)
    lines = folder.folds.read_text().splitlines()
    assert lines[0] == "id,fold,fold_2"
    cells = [line.split(",") for line in lines[1:]]
    assert [sum(row[column] == "0" for row in cells) for column in (1, 2)] == [4, 4]
    assert {row[1] for row in cells} == {"0", ""}
    assert made.scored.sum() < len(IDS)


@pytest.mark.parametrize("ids", [IDS[:-1], [*IDS, "x"], [*IDS[:-1], "x"]])
def test_other_photos_are_refused(folder, ids):
    load_or_make_folds(folder, tables_of(IDS), 5)
    with pytest.raises(Mismatch, match=r"folds\.csv (lacks|contains) .* of .*train\.csv: restore the file"):
        load_or_make_folds(folder, tables_of(ids), 5)


def test_folds_made_before_the_groups_were_known_are_refused(folder):
    tables = tables_of(IDS)
    made = load_or_make_folds(folder, tables, 5).assigned[:, 0]
    tables.train["group"] = [f"p{fold}" for fold in made]
    np.testing.assert_array_equal(load_folds(folder, tables).assigned[:, 0], made)
    tables.train.loc[made == 1, "group"] = "p0"
    with pytest.raises(Mismatch, match=r"folds\.csv splits 1 group of \S+train\.csv \(first: 'p0'\): make new folds"):
        load_or_make_folds(folder, tables, 5)


@pytest.mark.parametrize(
    ("asked", "says"), [({"folds": 0}, "folds must be"), ({"folds": -1}, "folds must be"), ({"repeats": 0}, "repeats")]
)
def test_too_few_folds(folder, asked, says):
    with pytest.raises(BadChoice, match=f"{says}.*Received: {next(iter(asked.values()))}"):
        load_or_make_folds(folder, tables_of(IDS), **asked)
    assert not folder.folds.exists()


def test_too_few_photos(folder):
    with pytest.raises(BadData, match="5 folds need at least 5 independent training photos, but there are 4"):
        load_or_make_folds(folder, tables_of(IDS[:4]), 5)
    assert not folder.folds.exists()


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("id,part\na,0\nb,1\n", BadData, "must have the columns id and fold"),
        ("id,fold\na,0\nb,x\n", BadData, "must contain numbers from 0"),
        ("id,fold\na,-1\nb,0\n", BadData, "numbers from 0"),
        ("id,fold\na,\nb,1\n", BadData, "for one held-out fold"),
        ("id,fold\na,\nb,\n", BadData, "for one held-out fold"),
        ("id,fold,fold_2\na,0,0\nb,1,\n", BadData, "without a gap"),
        ("id,fold,fold_3\na,0,0\nb,1,1\n", BadData, "and fold_2, ... for repeats"),
        ("id,fold\na,1\nb,2\n", BadData, "number folds 0, 1, ... without a gap"),
        ("id,fold\na,0\nb,0\n", BadData, "number folds 0, 1"),
        ("id,fold\n", BadData, "number folds 0, 1"),
        ("id,fold\na,0\na,1\n", Mismatch, "lacks"),
        ("", BadData, "cannot be read"),
    ],
)
def test_damaged_folds(folder, text, error, says):
    folder.folds.write_text(text)
    with pytest.raises(error, match=rf"folds\.csv.*{says}|{says}.*folds\.csv"):
        load_folds(folder, tables_of(["a", "b"]))
