from __future__ import annotations

import pytest

from ensembler.competition.sets.photo_versions import FolderNames, select_versions


def below(folder, suffix, *stems):
    return {folder: [f"{folder}/{stem}{suffix}" for stem in stems]}


@pytest.mark.parametrize(
    ("folders", "tests", "kept"),
    [
        (below("train-128", ".png", "1", "2") | below("train-256", ".png", "1", "2"), [], ["train-128"]),
        (below("train-128", ".png", "1", "2") | below("train-256", ".png", "1", "2"), ["test-256"], ["train-256"]),
        (below("a/Train-128", ".png", "1") | below("a/Train-x", ".png", "1"), ["a/Test-x"], ["a/Train-x"]),
        (below("train-jpg", ".jpg", "1", "2") | below("train-tif", ".tif", "1", "2"), [], ["train-jpg"]),
        (below("train-j", ".jpg", "1") | below("train-tif", ".tif", "1", "2"), [], ["train-j", "train-tif"]),
        (below("train-tif", ".tif", "1", "2", "3") | below("train-x", ".jpg", "1", "2"), [], ["train-tif"]),
        (below("train", ".jpg", "1", "2", "3") | below("train_extra", ".jpg", "1"), [], ["train", "train_extra"]),
        (below("train_1", ".jpg", "1", "2") | below("train_2", ".jpg", "1", "2"), [], ["train_1", "train_2"]),
        (below("train_16", ".jpg", "1", "2") | below("train_32", ".jpg", "1", "2"), [], ["train_16"]),
        (below("a_train_masks", ".gif", "1_mask", "2_mask") | below("train", ".jpg", "1", "2"), [], ["train"]),
        (below("train", ".jpg", "1_cat", "2_dog") | below("train_b", ".jpg", "1", "2"), [], ["train", "train_b"]),
        (below("train", ".jpg", "1"), [], ["train"]),
        ({}, [], []),
    ],
)
def test_one_of_several_versions(folders, tests, kept):
    chosen, versions, ambiguous = select_versions(folders, tests)
    assert not ambiguous
    assert chosen == kept
    assert {*chosen, *versions} == set(folders)
    assert set(versions.values()) <= set(kept)


def test_equal_names_of_other_pictures_are_no_versions():
    folders = below("train", ".jpg", "1", "2") | below("train_extra", ".jpg", "1", "2")
    assert select_versions(folders, [], lambda ones, others: ones != others) == (["train"], {}, ["train_extra"])


@pytest.mark.parametrize(
    ("stems", "ending"),
    [
        (["1_mask", "2_mask"], "_mask"),
        (["a_final_masked", "ba_final_masked"], "_final_masked"),
        (["benign (1)_mask", "benign (2)_mask"], "_mask"),
        (["cat/1", "dog/1"], ""),
        (["cat/img", "dog/img"], ""),
        (["1.1", "2.1"], ""),
        (["cat", "bat"], ""),
        (["_mask"], ""),
        ([], ""),
    ],
)
def test_the_common_ending_of_names(stems, ending):
    assert FolderNames(stems).ending == ending
