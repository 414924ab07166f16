from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers.photos import write_csv, write_photos

from ensembler.competition.manifest import AnswerLayout, Manifest, TestLayout, TrainLayout, are_tables_current
from ensembler.competition.photo_files import PhotoFiles
from ensembler.competition.pixels import PixelRule
from ensembler.competition.samples import compute_samples_fingerprint
from ensembler.competition.tables import (
    Tables,
    compute_prior,
    encode_labels,
    exclude_unreadable,
    group_twins,
    invalidate_tables,
    load_tables,
    make_tables,
    save_tables,
)
from ensembler.errors import BadData
from ensembler.paths import CompetitionFolder

PETS = Manifest(
    name="pets",
    slug="",
    task="binary",
    classes=("cat", "dog"),
    photos="raw",
    train=TrainLayout("train", "names"),
    test=TestLayout("test"),
    answer=AnswerLayout("sample_submission.csv", "id", ("dog",), "probabilities"),
)
BREEDS = replace(
    PETS, task="multiclass", classes=("pug", "chow", "dane"), answer=replace(PETS.answer, columns=("p", "c", "d"))
)
TAGS = replace(BREEDS, task="multilabel")


@pytest.fixture
def root(tmp_path):
    write_photos(tmp_path, "train/cat.1.jpg", "train/cat.2.jpg", "train/dog.1.jpg", "test/1.jpg", "test/02.jpg")
    write_csv(tmp_path / "sample_submission.csv", "id,dog;02,0.5;7,0.5;1,0.5")
    return tmp_path


@pytest.mark.parametrize(
    ("manifest", "labels", "encoded"),
    [
        (PETS, ["dog", "cat"], [[1], [0]]),
        (BREEDS, ["dane", "pug", "chow"], [[0, 0, 1], [1, 0, 0], [0, 1, 0]]),
        (TAGS, ["dane|pug", "", "chow"], [[1, 0, 1], [0, 0, 0], [0, 1, 0]]),
        (BREEDS, ["pug", "pug"], [[1, 0, 0], [1, 0, 0]]),
        (TAGS, ["", ""], [[0, 0, 0], [0, 0, 0]]),
        (TAGS, ["pug", "chow|pug", "pug"], [[1, 0, 0], [1, 1, 0], [1, 0, 0]]),
        (PETS, [], []),
    ],
)
def test_labels_in_the_order_of_the_outputs(manifest, labels, encoded):
    targets = encode_labels(pd.Series(labels, dtype=str), manifest)
    assert targets.dtype == np.float32
    assert targets.tolist() == encoded


def test_tables_join_by_id_in_the_samples_order(root):
    train, test = make_tables(PETS, PhotoFiles.list_below(root))
    assert train.to_numpy().tolist() == [
        ["cat.1", "train/cat.1.jpg", "cat", ""],
        ["cat.2", "train/cat.2.jpg", "cat", ""],
        ["dog.1", "train/dog.1.jpg", "dog", ""],
    ]
    assert test.to_numpy().tolist() == [["02", "test/02.jpg"], ["7", ""], ["1", "test/1.jpg"]]


def test_a_photo_that_is_asked_for_is_not_learned_from(tmp_path):
    write_photos(tmp_path, "images/1.jpg", "images/2.jpg", "images/3.jpg")
    write_csv(tmp_path / "labels.csv", "id,label;1,cat;2,dog;3,dog")
    write_csv(tmp_path / "sample_submission.csv", "id,dog;2,0.5")
    manifest = replace(
        PETS, train=TrainLayout("images", "csv", "labels.csv", "id", ("label",)), test=TestLayout("images")
    )
    train, test = make_tables(manifest, PhotoFiles.list_below(tmp_path))
    assert train["id"].tolist() == ["1", "3"]
    assert test["path"].tolist() == ["images/2.jpg"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "name,dog;1,0.5",
            r"The first column of .*sample_submission\.csv is 'name', but competition\.toml expects 'id'",
        ),
        ("id,dog;x,0.5;y,0.5", r"No id of .*sample_submission\.csv is a photo in .*test"),
    ],
)
def test_a_sample_that_does_not_fit(root, text, says):
    write_csv(root / "sample_submission.csv", text)
    with pytest.raises(BadData, match=says):
        make_tables(PETS, PhotoFiles.list_below(root))


def test_unreadable_photos_are_left_out_and_marked(root):
    train, test = make_tables(PETS, PhotoFiles.list_below(root))
    kept, marked, found = exclude_unreadable(train, test, {"train/cat.2.jpg": "cut", "test/1.jpg": "torn"})
    assert kept["id"].tolist() == ["cat.1", "dog.1"]
    assert kept.index.tolist() == [0, 1]
    assert marked["id"].tolist() == ["02", "7", "1"]
    assert marked["path"].tolist() == ["test/02.jpg", "", ""]
    assert found.to_numpy().tolist() == [
        ["cat.2", "train/cat.2.jpg", "train", "cut"],
        ["7", "", "test", "the photo is missing"],
        ["1", "test/1.jpg", "test", "torn"],
    ]


def test_nothing_is_left_out_without_a_reason(root):
    write_csv(root / "sample_submission.csv", "id,dog;1,0.5")
    train, test = make_tables(PETS, PhotoFiles.list_below(root))
    kept, marked, found = exclude_unreadable(train, test, {})
    assert kept.equals(train)
    assert marked.equals(test)
    assert found.empty
    assert list(found.columns) == ["id", "path", "set", "reason"]


def test_twins_are_grouped(root):
    train, _ = make_tables(PETS, PhotoFiles.list_below(root))
    digests = {"train/cat.1.jpg": "x", "train/cat.2.jpg": "y", "train/dog.1.jpg": "x"}
    assert group_twins(train, digests)["group"].tolist() == ["cat.1", "", "cat.1"]
    assert group_twins(train, {path: path for path in digests})["group"].tolist() == ["", "", ""]


GROUPED = replace(PETS, train=replace(PETS.train, groups="meta.csv", group_id_column="file", group_column="owner"))


@pytest.mark.parametrize(
    ("rows", "twins", "groups"),
    [
        ("cat.1,ann;cat.2,ann;dog.1,bob", "xyz", ["ann", "ann", "bob"]),
        ("cat.1,ann;cat.2,bob;dog.1,bob", "xyx", ["ann", "ann", "ann"]),
        ("cat.1,ann;cat.2,;dog.1,bob", "xyy", ["ann", "bob", "bob"]),
        ("cat.1,ann", "xyy", ["ann", "cat.2", "cat.2"]),
        ("cat.1,cat.2", "xyy", ["cat.2", "cat.2'", "cat.2'"]),
    ],
)
def test_groups_come_from_a_table_and_are_joined_by_twins(root, rows, twins, groups):
    write_csv(root / "meta.csv", f"file,owner;{rows};1,ann")
    train, _ = make_tables(GROUPED, PhotoFiles.list_below(root))
    assert train["path"].tolist() == ["train/cat.1.jpg", "train/cat.2.jpg", "train/dog.1.jpg"]
    assert group_twins(train, dict(zip(train["path"], twins, strict=True)))["group"].tolist() == groups


def test_photos_of_all_test_folders_are_not_learned_from(tmp_path):
    write_photos(tmp_path, "cat/1.jpg", "dog/2.jpg", "test_a/3.jpg", "test_b/4.jpg", "test_b/not_asked_for.jpg")
    write_csv(tmp_path / "sample_submission.csv", "id,dog;3,0;4,0")
    manifest = replace(PETS, train=TrainLayout(".", "folders"), test=TestLayout("test_a", ("test_b",)))
    train, test = make_tables(manifest, PhotoFiles.list_below(tmp_path))
    assert train["path"].tolist() == ["cat/1.jpg", "dog/2.jpg"]
    assert test["path"].tolist() == ["test_a/3.jpg", "test_b/4.jpg"]


def test_test_photos_come_from_the_first_folder_that_has_them(root):
    write_photos(root, "more/7.jpg", "more/1.jpg", "other/02.jpg")
    manifest = replace(PETS, test=TestLayout("test", ("more",)))
    _, test = make_tables(manifest, PhotoFiles.list_below(root))
    assert test["path"].tolist() == ["test/02.jpg", "more/7.jpg", "test/1.jpg"]


@pytest.fixture
def folder(root, tmp_path_factory):
    folder = CompetitionFolder(tmp_path_factory.mktemp("pets"))
    manifest = replace(PETS, photos=str(root))
    manifest.save(folder.manifest)
    save_tables(
        folder, manifest, *exclude_unreadable(*make_tables(manifest, PhotoFiles.list_below(root)), {}), pd.DataFrame()
    )
    return folder


def test_tables_come_back(folder, root):
    tables = load_tables(folder)
    assert tables.photos == root
    assert tables.train["label"].tolist() == ["cat", "cat", "dog"]
    assert tables.train_paths == [root / path for path in tables.train["path"]]
    assert tables.test["id"].tolist() == ["02", "7", "1"]
    assert tables.readable_test.tolist() == [True, False, True]
    assert tables.test_paths == [root / "test/02.jpg", root / "test/1.jpg"]
    assert tables.targets.tolist() == [[0], [0], [1]]
    assert compute_prior(tables.targets) == pytest.approx([1.5 / 4])


@pytest.mark.parametrize("manifest", [BREEDS, TAGS])
def test_the_prior_is_never_0_nor_1(root, manifest):
    train = pd.DataFrame({"id": ["a", "b"], "path": ["a", "b"], "label": ["pug", "pug"], "group": ["", ""]})
    shares = compute_prior(Tables(manifest, root, train, train).targets)
    assert shares.shape == (3,)
    assert ((shares > 0) & (shares < 1)).all()
    assert shares.argmax() == 0


def test_tables_are_current_until_the_manifest_is_edited(folder):
    manifest = load_tables(folder).manifest
    assert are_tables_current(folder, manifest)
    assert not are_tables_current(folder, replace(manifest, classes=("dog", "cat")))
    invalidate_tables(folder)
    assert not are_tables_current(folder, manifest)
    invalidate_tables(folder)


@pytest.mark.parametrize("name", ["train", "test", "unreadable", "stamp"])
def test_tables_are_not_current_if_one_is_missing(folder, name):
    getattr(folder, name).unlink()
    assert not are_tables_current(folder, PETS)


def test_the_samples_fingerprint_depends_on_photos_and_classes(folder):
    manifest = load_tables(folder).manifest
    before = compute_samples_fingerprint(folder, manifest)
    assert before == compute_samples_fingerprint(folder, replace(manifest, metric="accuracy"))
    assert before != compute_samples_fingerprint(folder, replace(manifest, classes=("dog", "cat")))
    ruled = {
        compute_samples_fingerprint(folder, replace(manifest, pixels=PixelRule(ground)))
        for ground in ("white", "black")
    }
    assert len(ruled | {before}) == 3
    folder.train.write_text(folder.train.read_text().replace("dog.1,", "dog.2,"))
    assert before != compute_samples_fingerprint(folder, manifest)
