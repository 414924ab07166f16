from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from ensembler.competition.photo_ids import LooseNames, describe_difference, describe_matching, find_nearest

PATHS = (
    "train/0001.jpg",
    "train/0012.JPEG",
    "train/site1/a.jpg",
    "train/site2/a.jpg",
    "train/" + unicodedata.normalize("NFD", "fotó") + ".png",
    "Case/Img.jpg",
    "Case/img.png",
    "x.jpg.jpg",
    *(f"ids/f{number}/image.jpg" for number in range(5)),
    *(f"more/{number}/image.jpg" for number in range(900, 905)),
)


@pytest.mark.parametrize(
    ("identity", "path", "words"),
    [
        ("train\\0001.jpg", "train/0001.jpg", "by the end of a path"),
        ("./train/0001.jpg", "train/0001.jpg", "by the end of a path"),
        ("/kaggle/input/pets/train/0001.jpg", "train/0001.jpg", "by the end of a path"),
        ("https://example.org/photos/0001.jpg", "train/0001.jpg", "by the end of a path"),
        ("gs://bucket/0012.jpeg", "train/0012.JPEG", "in another case"),
        ("0001.png", "train/0001.jpg", "without or with another suffix"),
        ("1", "train/0001.jpg", "by number, without leading zeros"),
        ("12.0", "train/0012.JPEG", "by number, without leading zeros"),
        ("fotó", PATHS[4], "by the same letters in another Unicode form"),
        ("site2/a.jpg", "train/site2/a.jpg", "by the end of a path"),
        ("data/site1/a", "train/site1/a.jpg", "by the end of a path"),
        ("IMG.PNG", "Case/img.png", "in another case"),
        ("x.jpg", "x.jpg.jpg", "by name or path"),
        ("F3", "ids/f3/image.jpg", "by the folder of the photo"),
        ("902", "more/902/image.jpg", "by the folder of the photo"),
        ("ids/f4", "ids/f4/image.jpg", "by the folder of the photo"),
        ("a.jpg", "", ""),
        ("site3/a.jpg", "", ""),
        ("site1/0001.jpg", "", ""),
        ("01", "", ""),
        ("1.5", "", ""),
        ("3", "", ""),
        ("image", "", ""),
        ("train", "", ""),
        ("", "", ""),
        ("./", "", ""),
    ],
)
def test_an_id_spelled_otherwise(identity, path, words):
    assert LooseNames(PATHS, Path()).find(identity) == path
    if path:
        assert describe_difference(identity, path) == words


def test_a_path_that_exists_elsewhere_is_no_photo_of_the_same_name(tmp_path):
    (tmp_path / "external").mkdir()
    names = LooseNames(("train/0.jpg",), tmp_path)
    assert [names.find(path) for path in ("external/0.jpg", "external/0", "other/0.jpg")] == ["", "", "train/0.jpg"]


def test_long_numbers_are_not_rounded():
    names = LooseNames(("009007199254740992.jpg",), Path())
    assert names.find("9007199254740993") == ""
    assert names.find("9007199254740992.0") == "009007199254740992.jpg"


def test_numbers_that_two_photos_share_name_neither():
    assert LooseNames(("a/01.jpg", "a/001.jpg"), Path()).find("1") == ""


def test_small_classes_are_no_folders_of_ids():
    assert LooseNames(("train/cat/1.jpg", "train/dog/2.jpg"), Path()).find("cat") == ""


def test_matching_in_words():
    assert describe_matching([("1", "a/1.jpg"), ("2.jpg", "a/2.jpg"), ("3", "")]) == ""
    words = describe_matching([("1", "a/01.jpg"), ("2", "a/02.jpg"), ("03", "a/03.jpg")])
    assert words == "2 by number, without leading zeros (1 is a/01.jpg), 1 by name or path"


@pytest.mark.parametrize(
    ("identity", "nearest"),
    [("IMG_0012", "t/img_12.jpg"), ("x\\zebra9.png", "t/zebra.jpg"), ("zebra", "t/zebra.jpg"), ("", "t/ape.jpg")],
)
def test_the_nearest_photo(identity, nearest):
    assert find_nearest(identity, ["t/ape.jpg", "t/img_12.jpg", "t/zebra.jpg"]) == nearest
    assert find_nearest(identity, []) == ""
