from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from ensembler.competition.layout.evidence import Evidence
from ensembler.competition.manifest import TestLayout
from ensembler.competition.photo_files import PhotoFiles
from ensembler.competition.sample_submission import SampleSubmission
from ensembler.competition.sets.photo_sets import find_test_layout, find_training_set
from ensembler.errors import BadData


def photos(*paths):
    return PhotoFiles(Path("root"), tuple(sorted(paths)))


def below(folder, suffix, *stems):
    return [f"{folder}/{stem}{suffix}" for stem in stems]


def asking_for(*ids):
    return SampleSubmission(Path("sample.csv"), pd.DataFrame({"id": ids, "label": "0"}))


@pytest.mark.parametrize(
    ("paths", "folder", "count"),
    [
        (below("train", ".jpg", "1", "2") + below("test", ".jpg", "3"), "train", 2),
        (below("train-jpg", ".jpg", "1", "2") + below("train-tif-v2", ".tif", "1", "2"), "train-jpg", 2),
        (below("train-tif", ".tif", "1", "2") + below("train-x", ".jpg", "1", "2"), "train-x", 2),
        (below("train-a", ".jpg", "1", "2") + below("train-b", ".jpg", "1", "2"), "train-a", 2),
        (below("train-128", ".jpg", "1", "2") + below("train-512", ".jpg", "1", "2"), "train-128", 2),
        (
            [path for size in (128, 256, 512) for path in below(f"train-{size}", ".jpg", "1", "2")]
            + below("test-256", ".jpg", "7"),
            "train-256",
            2,
        ),
        (
            below("in/Train-256", ".jpg", "1") + below("in/Train-512", ".jpg", "1") + below("in/Test-512", ".jpg", "7"),
            "in/Train-512",
            1,
        ),
        (below("train_1", ".jpg", "cat.1", "dog.1") + below("train_2", ".jpg", "cat.1", "dog.1"), "train_1 train_2", 4),
        (below("train_1", ".jpg", "1", "2") + below("train_2", ".jpg", "3", "4"), "train_1 train_2", 4),
        (below("train_images", ".png", "4", "7") + below("train_thumbnails", ".png", "4_thumbnail"), "train_images", 2),
        (
            below("train", ".jpg", "a_01", "a_02")
            + below("train_hq", ".jpg", "a_01", "a_02")
            + below("train_masks", ".gif", "a_01_mask", "a_02_mask"),
            "train",
            2,
        ),
        (below("train", ".jpg", "1", "2") + below("train/test", ".jpg", "3"), "train", 2),
        (below("images", ".jpg", "1") + below("test_hq", ".jpg", "1") + below("test", ".jpg", "1"), "images", 1),
        (below("train-a", ".jpg", "1", "2") + below("train-b", ".tif", "3", "4"), "train-a train-b", 4),
        (below("train-a", ".jpg", "1") + below("train-b", ".tif", "1", "4"), "train-a train-b", 3),
        (below("train/cat", ".jpg", "1") + below("train/dog", ".png", "1"), "train", 2),
        (below("images", ".jpg", "1", "2") + below("test", ".jpg", "3"), "images", 2),
        (below("images", ".jpg", "1", "2"), "images", 2),
    ],
)
def test_the_photos_to_learn_from(paths, folder, count):
    given = photos(*paths)
    training = find_training_set(given, Evidence())
    assert (" ".join(training.folders), len(training.select(given).paths)) == (folder, count)


@pytest.mark.parametrize(
    ("paths", "ids", "layout"),
    [
        (below("test", ".jpg", "1", "2"), "12", TestLayout("test")),
        (
            below("test-jpg", ".jpg", "1") + below("test-more", ".jpg", "2"),
            "12",
            TestLayout("test-jpg", ("test-more",)),
        ),
        (below("test-tif", ".tif", "1", "2") + below("test-x", ".jpg", "1", "2"), "12", TestLayout("test-x")),
        (below("test-tif", ".tif", "1", "2") + below("test-x", ".jpg", "1"), "12", TestLayout("test-x", ("test-tif",))),
        (below("test_a", ".jpg", "1") + below("test_b", ".jpg", "7"), "1", TestLayout("test_a")),
        (below("images", ".jpg", "1", "2") + below("other", ".jpg", "3"), "12", TestLayout("images")),
        (below("a", ".jpg", "1") + below("b", ".jpg", "2"), "12", TestLayout(".")),
    ],
)
def test_the_photos_to_predict(paths, ids, layout):
    assert find_test_layout(photos(*paths), asking_for(*ids)) == layout


@pytest.mark.parametrize(
    "paths", [below("test", ".jpg", "1"), below("images", ".jpg", "1"), ["test/1.jpg", "train/9.jpg"]]
)
def test_ids_that_no_photo_has(paths):
    with pytest.raises(BadData, match=r"sample\.csv \(first: '9'\) are not names of photos in root"):
        find_test_layout(photos(*paths), asking_for("9", "8"))


@pytest.mark.parametrize(
    ("path", "identity"),
    [
        ("test/ab12_red.png", "ab12"),
        ("test/cee631_0.tif", "cee631"),
        ("stage_2_test/ID_1.png", "ID_1_any"),
        ("test_images/10008/7364.png", "10008_L"),
        ("test/10008/7364.png", "10008"),
    ],
)
def test_ids_of_more_or_less_than_a_photo(path, identity):
    with pytest.raises(BadData, match=r"do not stand for one photo each, as root\S* shows: only .* one row per photo"):
        find_test_layout(photos(path, "train/1.png"), asking_for(identity))


@pytest.mark.parametrize("identity", ["test_9", "ab1", "cd"])
def test_ids_of_missing_photos(identity):
    with pytest.raises(
        BadData,
        match=r"are not names of photos in root.test, of which test/\S+ is most like it: correct .*Hints\(sample",
    ):
        find_test_layout(photos("test/ab12_red.png", "test/test7.png"), asking_for(identity))
