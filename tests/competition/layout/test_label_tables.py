from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from helpers.photos import write_csv, write_photos

from ensembler.competition.layout.evidence import Evidence, UnusedFile
from ensembler.competition.layout.label_tables import LabelTable, find_label_table, resolve_label_table
from ensembler.competition.photo_files import PhotoFiles
from ensembler.competition.sample_submission import SampleSubmission
from ensembler.errors import BadChoice, BadData, MissingHint

IDS = ("1", "2", "3")


def sample(*columns):
    return SampleSubmission(Path("sample.csv"), pd.DataFrame([["9"] * (len(columns) + 1)], columns=["id", *columns]))


@pytest.fixture
def photos(tmp_path):
    return PhotoFiles.list_below(write_photos(tmp_path, *(f"train/{identity}.png" for identity in IDS)))


def table(root, name, header, ids=IDS):
    cells = ",0" * header.count(",")
    return write_csv(root / name, ";".join([header, *(identity + cells for identity in ids)]))


@pytest.mark.parametrize(
    ("others", "wanted", "columns"),
    [
        (("label",), (), ("label",)),
        (("width", "Species"), (), ("Species",)),
        (("width", "target", "has_it"), ("has_it",), ("has_it",)),
        (("a", "b", "c"), ("c", "a"), ("c", "a")),
        (("label", "class"), (), ()),
        (("width",), (), ()),
    ],
)
def test_columns_that_are_clear_by_their_names(others, wanted, columns):
    found = LabelTable(Path("t.csv"), "id", others)
    assert found.find_columns_by_name(sample(*wanted) if wanted else None) == columns


@pytest.mark.parametrize(
    ("others", "wanted", "column"),
    [
        (("width",), ("answer",), "width"),
        (("patient", "finding"), (), "finding"),
        (("species", "width"), ("a", "b"), "species"),
    ],
)
def test_the_only_column_that_is_left(others, wanted, column):
    assert LabelTable(Path("t.csv"), "id", others).choose_columns(sample(*wanted) if wanted else None, None) == (
        column,
    )


VALUES = "id,species,whale,size;1,orca,w1,1;2,orca,w1,2;3,beluga,w2,1;4,beluga,w3,3"


@pytest.mark.parametrize(
    ("cell", "columns"),
    [
        ("w2", ("whale",)),
        ("beluga", ("species",)),
        ("0.5", ("species",)),
        ("3", ("size",)),
        ("0", None),
        ("", None),
        ("w1 w2", ("whale",)),
        ("w7 w8", None),
        ("w1,w2", ("whale",)),
        ("w1|w2", ("whale",)),
    ],
)
def test_a_column_is_found_by_what_the_sample_shows(tmp_path, cell, columns):
    found = LabelTable(write_csv(tmp_path / "t.csv", VALUES), "id", ("species", "whale", "size"))
    shown = SampleSubmission(Path("sample.csv"), pd.DataFrame({"id": ["9"], "answer": [cell]}))
    assert (found.decide_columns(shown) or None) == columns


def test_columns_that_leave_a_choice(tmp_path):
    path = write_csv(tmp_path / "t.csv", "id,colour,shape;1,9,8;2,9,8;3,8,9")
    found = LabelTable(path, "id", ("colour", "shape"))
    with pytest.raises(
        MissingHint,
        match=r"Several columns of \S+t\.csv may contain the label \(colour, shape\): name it with Hints\(label_column",
    ):
        found.choose_columns(sample("answer"), None)
    assert found.choose_columns(sample("answer"), "shape") == ("shape",)
    with pytest.raises(BadChoice, match=r"did you mean shape\?"):
        found.choose_columns(sample("answer"), "shapes")


@pytest.mark.parametrize(
    ("headers", "clear_only", "found"),
    [
        ({"a.csv": "id,label", "b.csv": "id,width,height"}, False, "a.csv"),
        ({"a.csv": "id,width,label", "b.csv": "id,patient"}, False, "a.csv"),
        ({"a.csv": "id,finding", "b.csv": "id,patient"}, False, "a.csv"),
        ({"a.csv": "id,finding", "train.csv": "id,width"}, False, "train.csv"),
        ({"a.csv": "id,label", "train_labels.csv": "id,class"}, False, "train_labels.csv"),
        ({"train.csv": "id,width,answer", "train_annotations.csv": "id,label"}, False, "train.csv"),
        ({"a.csv": "id,width,answer", "train_labels.csv": "id,label"}, False, "a.csv"),
        ({"A.CSV": "id,label"}, False, "A.CSV"),
        ({"a.csv": "id,finding"}, True, None),
        ({"a.csv": "id,label"}, True, "a.csv"),
        ({"b.csv": "id,patient"}, False, None),
        ({"sample_submission.csv": "id,label"}, False, None),
        ({"a.csv": "id"}, False, None),
        ({}, False, None),
    ],
)
def test_the_table_of_labels(tmp_path, photos, headers, clear_only, found):
    for name, header in headers.items():
        table(tmp_path, name, header)
    chosen = find_label_table(photos, sample("answer"), Evidence(), by_name_only=clear_only)
    assert (chosen and chosen.path.name) == found


def test_tables_of_other_photos_are_passed_over(tmp_path, photos):
    table(tmp_path, "test.csv", "id,label", ids=("7", "8", "9"))
    assert find_label_table(photos, None, Evidence(), by_name_only=False) is None


def test_two_tables_are_a_question(tmp_path, photos):
    write_csv(tmp_path / "labels.csv", "id,label;1,a;2,b;3,b")
    write_csv(tmp_path / "train.csv", "id,label;1,a;2,b;3,a")
    with pytest.raises(
        MissingHint,
        match=r"Several tables may contain the labels \(labels\.csv, train\.csv\): name one with Hints\(labels",
    ):
        find_label_table(photos, None, Evidence(), by_name_only=False)
    assert resolve_label_table("train.csv", photos, "train").other_columns == ("label",)


@pytest.mark.parametrize(
    ("name", "rows"), [("train (1).csv", "1,a;2,b;3,b"), ("train_subset.csv", "2,b"), ("labels.csv", "3,b;1,a")]
)
def test_of_tables_with_the_same_labels_the_largest_is_used(tmp_path, photos, name, rows):
    write_csv(tmp_path / "train.csv", "id,label;1,a;2,b;3,b")
    write_csv(tmp_path / name, f"id,label;{rows}")
    evidence = Evidence()
    found = find_label_table(photos, None, evidence, by_name_only=False)
    assert found is not None
    assert found.path.name == "train.csv"
    assert evidence.unused == [UnusedFile(name, "its labels are also in train.csv")]


def test_a_table_that_is_named_must_fit(tmp_path, photos):
    table(tmp_path, "other.csv", "id,label", ids=("7", "8", "9"))
    with pytest.raises(BadData, match=r"other\.csv does not contain a column with the names of photos in \S+train"):
        resolve_label_table("other.csv", photos, "train")
    with pytest.raises(
        BadChoice, match=r"another\.csv does not exist: Hints\(labels=.* expects a file, with its path relative to"
    ):
        resolve_label_table("another.csv", photos, "train")
