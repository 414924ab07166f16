from __future__ import annotations

import pytest

from ensembler.competition.sets.class_folders import find_class_folders, find_known_classes


def fill(count, *folders):
    """Paths of photos: ``count`` in each folder."""
    return [f"{folder}/{row}.jpg" for folder in folders for row in range(count)]


PATIENTS = fill(3, *(f"{8860 + patient}/{kind}" for patient in range(8) for kind in "01"))
VIDEOS = fill(3, *(f"{kind}/video_{number:03d}" for kind in ("cat", "dog") for number in range(4)))
KINDS = fill(3, "Fruit/Apple", "Fruit/Pear", "Vegetable/Leek", "Vegetable/Kale")
SITES = fill(3, *(f"{site}/{kind}" for site in ("north", "south", "west") for kind in ("ant", "bee")))


@pytest.mark.parametrize(
    ("folder", "paths", "base", "level", "group_level", "classes"),
    [
        ("train", fill(2, "train/cat", "train/dog"), "train", 0, 0, "cat dog"),
        (".", fill(2, "cat", "dog"), ".", 0, 0, "cat dog"),
        ("train", fill(2, "train/train/cat", "train/train/dog"), "train/train", 0, 0, "cat dog"),
        (".", fill(2, "a/b/cat", "a/b/dog"), "a/b", 0, 0, "cat dog"),
        ("train", fill(2, "train/car", "train/train"), "train", 0, 0, "car train"),
        (".", fill(9, "cat", "dog", "dog/more"), ".", 1, 0, "cat dog"),
        (".", fill(9, "cat/images", "dog/images"), ".", 1, 0, "cat dog"),
        (".", PATIENTS, ".", 0, 1, "0 1"),
        (".", VIDEOS, ".", 1, 2, "cat dog"),
        (".", KINDS, ".", 0, 0, "Apple Kale Leek Pear"),
        (".", SITES, ".", 0, 0, "ant bee"),
        (".", [*KINDS, *fill(3, "Fruit/Apple/green")], ".", 2, 0, "Apple Kale Leek Pear"),
    ],
)
def test_the_level_of_the_classes(folder, paths, base, level, group_level, classes):
    found = find_class_folders(folder, paths)
    assert found
    assert (found.base, found.level, found.group_level) == (base, level, group_level)
    assert found.classes == set(classes.split())
    assert set(found.by_path) == set(paths)
    start = 0 if base == "." else len(base) + 1
    assert bool(found.doubt) is any(path[start:].count("/") > 1 and "images" not in path for path in paths)


@pytest.mark.parametrize(
    ("asked", "classes"), [(("Fruit", "Vegetable"), "Fruit Vegetable"), (("apple", "kale", "leek", "pear"), "")]
)
def test_the_sample_decides_between_levels_without_a_doubt(asked, classes):
    found = find_class_folders(".", KINDS, asked)
    assert found
    assert (found.level, found.doubt) == (1 if classes else 0, "")
    assert found.classes == set((classes or "Apple Kale Leek Pear").split())


@pytest.mark.parametrize("stray", ["train/overview.jpg", "train/train/overview.jpg"])
def test_a_stray_photo_is_named(stray):
    found = find_class_folders("train", [*fill(9, "train/train/cat", "train/train/dog"), stray])
    assert found
    assert (found.base, found.strays, len(found.by_path)) == ("train/train", (stray,), 18)


@pytest.mark.parametrize(
    "paths",
    [
        fill(2, "train/cat"),
        fill(2, "train"),
        [*fill(2, "train/cat", "train/dog"), "train/1.jpg"],
        fill(1, *(f"train/{number % 3}/{number}" for number in range(12))),
    ],
)
def test_what_are_no_folders_of_classes(paths):
    assert find_class_folders("train", paths) is None


@pytest.mark.parametrize(
    ("paths", "base", "level", "labels"),
    [
        (fill(1, "test/cat", "test/dog"), "test", 0, "cat dog"),
        (fill(1, "test/cat"), "test", 0, "cat"),
        (fill(1, "test/test/cat"), "test", 0, "cat"),
        (fill(1, "test/cafe\u0301"), "test", 0, "caf\u00e9"),
        (fill(1, "test/test/cat"), "test/test", 1, "cat"),
        ([*fill(9, "test/cat", "test/dog"), "test/7.jpg"], "test", 0, "cat dog"),
    ],
)
def test_known_classes_of_another_set(paths, base, level, labels):
    found = find_known_classes("test", paths, ["cat", "dog", "eel", "caf\u00e9"], level)
    assert found
    assert (found.base, found.classes) == (base, set(labels.split()))


@pytest.mark.parametrize("paths", [fill(2, "test"), fill(2, "test/cat", "test/bird"), fill(2, "test/images")])
def test_folders_of_other_classes(paths):
    assert find_known_classes("test", paths, ["cat", "dog"], 0) is None
    assert find_known_classes("test", paths, ["cat", "dog"], 1) is None
