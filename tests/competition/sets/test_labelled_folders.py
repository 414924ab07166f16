from __future__ import annotations

from pathlib import Path

import pytest

from ensembler.competition.layout.evidence import Evidence
from ensembler.competition.photo_files import PhotoFiles
from ensembler.competition.sets.labelled_folders import find_labelled_folders
from ensembler.competition.sets.photo_sets import find_training_set


def found(*folders, count=2, stray=""):
    paths = [f"{folder}/{row}.jpg" for folder in folders for row in range(count)]
    photos = PhotoFiles(Path("root"), tuple(sorted([*paths, *filter(None, [stray])])))
    return find_labelled_folders(find_training_set(photos, Evidence()), ())


@pytest.mark.parametrize(
    ("folders", "used", "unlabelled"),
    [
        ("train/a train/b valid/a valid/b test", "train valid", ""),
        ("train/a train/b val/val/a dev/b", "train dev val", ""),
        ("train/a train/b valid/a valid/c", "train", "valid"),
        ("train/a train/b valid", "train", "valid"),
        ("train_1/a train_2/a train_2/b", "train_2 train_1", ""),
        ("Validation/a Validation/b test/a", "Validation", ""),
    ],
)
def test_folders_for_validation_are_labelled_photos(folders, used, unlabelled):
    labelled = found(*folders.split())
    assert labelled
    assert labelled.folders == tuple(used.split())
    assert labelled.unlabelled == tuple(unlabelled.split())
    assert set(labelled.by_path.values()) == {"a", "b"}


def test_strays_of_all_sets_are_named():
    assert found("train/a", "train/b", "valid/a", count=12, stray="valid/x.jpg").strays == ("valid/x.jpg",)


def test_sets_of_different_levels_are_no_labels():
    assert found("train_1/a", "train_1/b", "train_2/a", "train_2/b", "train_2/b/more") is None
