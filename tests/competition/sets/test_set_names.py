from __future__ import annotations

import pytest

from ensembler.competition.sets.set_names import find_other_sets, find_set, find_set_folder


@pytest.mark.parametrize(
    ("folder", "is_test"),
    [
        *(
            (folder, True)
            for folder in (
                "test",
                "Test",
                "test1",
                "test_stg1",
                "test-jpg",
                "imgs/test",
                "testing",
                "test_images",
                "PublicTest",
            )
        ),
        *((folder, False) for folder in ("testudo", "tester", "latest", "contest", "images")),
    ],
)
def test_folders_named_after_a_set(folder, is_test):
    assert (find_set(f"{folder}/1.jpg") == "test") is is_test


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("train/cat/1.jpg", "train"),
        ("train/test_tube/1.jpg", "train"),
        ("train_images/bullet_train/1.jpg", "train"),
        ("train/test/1.jpg", "test"),
        ("test_data/train/1.jpg", "train"),
        ("train_test_photos/train/1.jpg", "train"),
        ("train_test_photos/1.jpg", ""),
        ("test-jpg/train-like/1.jpg", "test"),
        ("images/test.jpg", ""),
        ("test1/test1/1.jpg", "test"),
    ],
)
def test_the_set_that_folders_name(path, named):
    assert find_set(path) == named


def test_the_folder_of_a_set():
    assert find_set_folder("a/train/x/1.jpg", "train") == "a/train"
    assert find_set_folder("a/1.jpg", "train") == ""


@pytest.mark.parametrize(
    ("folders", "others"),
    [
        (["train/a", "valid/a", "test"], {"valid": "validation"}),
        (["x/Training", "x/Validation", "x/Evaluation"], {"x/Validation": "validation", "x/Evaluation": "test"}),
        (["seg_train/seg_train/a", "seg_pred/seg_pred"], {"seg_pred": "test"}),
        (["train_images", "val_images", "DevSet"], {"val_images": "validation", "DevSet": "validation"}),
        (["validation/a", "test/a"], {"validation": "validation"}),
        (["valid", "invalid"], {}),
        (["train/valid", "train/invalid", "test"], {}),
        (["train/a", "other/valid"], {}),
        (["train/a", "invalid", "value", "predator", "device"], {}),
        (["train/a", "test_valid"], {}),
    ],
)
def test_other_names_of_sets_count_beside_train_or_test(folders, others):
    assert find_other_sets(f"{folder}/1.jpg" for folder in folders) == others
