from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from helpers.photos import write_csv, write_photos

from ensembler.competition.layout.labels import (
    extract_label,
    has_labels_in_names,
    tabulate_labelled_photos,
)
from ensembler.competition.manifest import AnswerLayout, Manifest, TestLayout, TrainLayout
from ensembler.competition.photo_files import PhotoFiles
from ensembler.errors import BadData


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("train/cat.12.jpg", "cat"),
        ("train/dog.0.jpg", "dog"),
        ("great_dane_07.png", "great_dane"),
        ("n02-hot dog 3.png", "n02-hot dog"),
        ("cat12.jpg", "cat"),
        ("café-1.jpg", "café"),
        ("12.jpg", ""),
        ("cat.jpg", ""),
        ("_12.jpg", ""),
        ("3_12.jpg", ""),
        ("12cat.jpg", ""),
    ],
)
def test_label_in_name(path, label):
    assert extract_label(path) == label


@pytest.mark.parametrize(
    ("names", "tell"),
    [
        (["cat.1", "cat.2", "dog.1", "dog.2"], True),
        (["cat.1", "cat.2", "cat.3"], False),
        (["cat.1", "cat.2", "dog.1"], False),
        (["cat.1", "cat.2", "dog.1", "dog.2", "7"], False),
        (["1", "2", "3", "4"], False),
        (["a1", "b1", "c1", "d1"], False),
    ],
)
def test_names_tell_labels(names, tell):
    assert has_labels_in_names(PhotoFiles(Path(), tuple(f"train/{name}.jpg" for name in names))) is tell


def manifest_of(train, task="binary", classes=("cat", "dog"), test="test"):
    answer = AnswerLayout("sample.csv", "id", ("p",), "probabilities")
    return Manifest("pets", "", task, classes, ".", train, TestLayout(test), answer)


def labelled(root, manifest, to_predict=frozenset()):
    table = tabulate_labelled_photos(manifest, PhotoFiles.list_below(root), to_predict)
    assert list(table.columns) == ["id", "path", "label"]
    return table.to_numpy().tolist()


def test_labels_from_names(tmp_path):
    write_photos(tmp_path, "train/cat.1.jpg", "train/dog.2.jpg", "test/1.jpg")
    assert labelled(tmp_path, manifest_of(TrainLayout("train", "names"))) == [
        ["cat.1", "train/cat.1.jpg", "cat"],
        ["dog.2", "train/dog.2.jpg", "dog"],
    ]


def test_labels_from_folders_where_names_repeat(tmp_path):
    write_photos(tmp_path, "train/cat/1.jpg", "train/dog/1.jpg", "test/1.jpg")
    assert labelled(tmp_path, manifest_of(TrainLayout("train", "folders"))) == [
        ["train/cat/1.jpg", "train/cat/1.jpg", "cat"],
        ["train/dog/1.jpg", "train/dog/1.jpg", "dog"],
    ]


def test_a_test_folder_beside_the_classes_is_no_class(tmp_path):
    write_photos(tmp_path, "cat/1.jpg", "dog/2.jpg", "test/3.jpg", "test/4.jpg")
    manifest = manifest_of(TrainLayout(".", "folders"))
    assert [row[0] for row in labelled(tmp_path, manifest)] == ["1", "2"]


def test_photos_of_other_test_folders_are_not_learned_from(tmp_path):
    write_photos(tmp_path, "train1/cat.1.jpg", "train2/dog.2.jpg", "test/3.jpg", "test_hq/3.jpg")
    manifest = manifest_of(TrainLayout(".", "names"))
    assert [row[1] for row in labelled(tmp_path, manifest)] == ["train1/cat.1.jpg", "train2/dog.2.jpg"]


def test_a_test_folder_that_a_person_learns_from(tmp_path):
    write_photos(tmp_path, "test1/cat.1.jpg", "test1/dog.2.jpg", "other/3.jpg")
    assert len(labelled(tmp_path, manifest_of(TrainLayout("test1", "names"), test="other"))) == 2


def test_photos_to_predict_need_no_label(tmp_path):
    write_photos(tmp_path, "cat.1.jpg", "dog.2.jpg", "7.jpg")
    manifest = manifest_of(TrainLayout(".", "names"), test=".")
    assert [row[0] for row in labelled(tmp_path, manifest, frozenset({"7.jpg"}))] == ["cat.1", "dog.2"]
    with pytest.raises(
        BadData, match=r"The labels of 1 training photo are not in `classes` of competition.toml \(first: ''\)"
    ):
        labelled(tmp_path, manifest)


CSV = TrainLayout("train", "csv", "labels.csv", "id", ("label",))


@pytest.mark.parametrize("suffix", ["", ".jpg"])
def test_labels_from_a_csv_are_joined_by_id(tmp_path, suffix):
    write_photos(tmp_path, "train/01.jpg", "train/2.jpg", "test/3.jpg")
    write_csv(tmp_path / "labels.csv", f"label,id;dog,2{suffix}; cat ,01{suffix}")
    assert labelled(tmp_path, manifest_of(CSV)) == [
        [f"2{suffix}", "train/2.jpg", "dog"],
        [f"01{suffix}", "train/01.jpg", "cat"],
    ]


def test_one_hot_labels(tmp_path):
    write_photos(tmp_path, "train/1.jpg", "train/2.jpg", "train/3.jpg")
    write_csv(tmp_path / "labels.csv", "id,a,b;1,1,0;2,1,1.0;3,0,0")
    manifest = manifest_of(replace(CSV, columns=("a", "b")), "multilabel", ("red", "blue"))
    assert [row[2] for row in labelled(tmp_path, manifest)] == ["red", "red|blue", ""]


def test_tags(tmp_path):
    write_photos(tmp_path, "train/1.jpg", "train/2.jpg", "train/3.jpg")
    write_csv(tmp_path / "labels.csv", "id,label;1,haze  primary;2,;3,primary")
    manifest = manifest_of(CSV, "multilabel", ("haze", "primary"))
    assert [row[2] for row in labelled(tmp_path, manifest)] == ["haze|primary", "", "primary"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "id,label;1,cat",
            r"labels\.csv has no label for 1 photo of .*train \(first: train/2\.jpg\).*Hints\(incomplete_labels",
        ),
        ("id,label;1,cat;2,dog;9,dog", r"labels\.csv names 1 photo missing in .*train \(first: '9', most like "),
        (
            "id,label;1,cat;2,dog;1,dog",
            r"labels\.csv gives 1 photo more than one label \(first: '1', cat, dog\).*Hints\(conflicting_labels",
        ),
        (
            "id,label;1,cat;2,cow",
            r"The labels of 1 training photo are not in `classes` of competition.toml \(first: 'cow'\)",
        ),
        ("id,kind;1,cat;2,dog", r"labels\.csv does not contain the column label \(it has id, kind\)"),
    ],
)
def test_a_table_that_does_not_fit(tmp_path, text, says):
    write_photos(tmp_path, "train/1.jpg", "train/2.jpg", "test/3.jpg")
    write_csv(tmp_path / "labels.csv", text)
    with pytest.raises(BadData, match=says):
        labelled(tmp_path, manifest_of(CSV))


def test_a_row_of_no_photo_and_no_label_says_nothing(tmp_path):
    write_photos(tmp_path, "train/1.jpg", "train/2.jpg")
    write_csv(tmp_path / "labels.csv", "id,label;.DS_Store,;1,cat;2,dog")
    assert [row[2] for row in labelled(tmp_path, manifest_of(CSV))] == ["cat", "dog"]
    write_csv(tmp_path / "labels.csv", "id,label;1,;2,dog")
    with pytest.raises(BadData, match="The labels of 1 training photo are not in `classes`"):
        labelled(tmp_path, manifest_of(CSV))


def test_other_values_than_0_and_1(tmp_path):
    write_photos(tmp_path, "train/1.jpg")
    write_csv(tmp_path / "labels.csv", "id,a,b;1,1,0.5")
    manifest = manifest_of(replace(CSV, columns=("a", "b")), "multilabel", ("a", "b"))
    with pytest.raises(BadData, match=r"columns a, b of .* contain values other than 0 and 1"):
        labelled(tmp_path, manifest)


def test_incomplete_labels_leave_photos_out(tmp_path):
    write_photos(tmp_path, "train/1.jpg", "train/2.jpg")
    write_csv(tmp_path / "labels.csv", "id,label;1,cat")
    assert len(labelled(tmp_path, manifest_of(replace(CSV, incomplete=True)))) == 1


def test_unknown_tags(tmp_path):
    write_photos(tmp_path, "train/1.jpg")
    write_csv(tmp_path / "labels.csv", "id,label;1,haze cow")
    with pytest.raises(BadData, match="first: 'cow'"):
        labelled(tmp_path, manifest_of(CSV, "multilabel", ("haze", "primary")))
