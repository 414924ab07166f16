from __future__ import annotations

from pathlib import Path

import pytest

from ensembler.competition.photo_files import PhotoFiles, find_common_folder, has_photos
from ensembler.errors import BadData


def files_below(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    return PhotoFiles.list_below(root)


def test_only_photos_are_listed_sorted(tmp_path):
    photos = files_below(
        tmp_path,
        "b/2.JPG",
        "b/1.png",
        "a/x/3.jpeg",
        "0.webp",
        "notes.txt",
        "train.csv",
        ".hidden.jpg",
        ".git/4.jpg",
        "__MACOSX/train/._1.jpg",
        "__MACOSX/train/1.jpg",
        "jpg",
    )
    assert photos.paths == ("0.webp", "a/x/3.jpeg", "b/1.png", "b/2.JPG")
    assert photos.root == tmp_path


@pytest.mark.parametrize("names", [(), ("labels.csv", "notes.txt"), (".cache/1.jpg",)])
def test_a_folder_without_photos(tmp_path, names):
    with pytest.raises(BadData, match=r"contains no photos, because none of its \d files is one"):
        files_below(tmp_path, *names)


def photos_named(*paths):
    return PhotoFiles(Path("root"), paths)


def test_inside_a_folder():
    photos = photos_named("a/1.jpg", "a/b/2.jpg", "ab/3.jpg", "4.jpg")
    assert photos.select_inside("a").paths == ("a/1.jpg", "a/b/2.jpg")
    assert photos.select_inside("a/b").paths == ("a/b/2.jpg",)
    assert photos.select_inside(".") == photos.select_inside("") == photos
    assert photos.select_inside("c").paths == ()


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        ((), "a/1.jpg a/masks/1.jpg ab/2.jpg b/masks/1.jpg"),
        (("a",), "ab/2.jpg b/masks/1.jpg"),
        (("./a/", "ab/2.jpg"), "b/masks/1.jpg"),
        (("*/masks",), "a/1.jpg ab/2.jpg"),
        (("*1.jpg",), "ab/2.jpg"),
        (("masks", "a.*", "A"), "a/1.jpg a/masks/1.jpg ab/2.jpg b/masks/1.jpg"),
    ],
)
def test_photos_left_out_by_patterns(patterns, left):
    given = photos_named("a/1.jpg", "a/masks/1.jpg", "ab/2.jpg", "b/masks/1.jpg")
    assert " ".join(given.leave_out(patterns).paths) == left


def test_without():
    assert photos_named("1.jpg", "2.jpg").exclude({"1.jpg", "x"}).paths == ("2.jpg",)


@pytest.mark.parametrize(
    ("identity", "path"),
    [
        ("1", "train/1.jpg"),
        ("1.jpg", "train/1.jpg"),
        ("train/1.jpg", "train/1.jpg"),
        ("train/1", "train/1.jpg"),
        ("cat.12", "train/cat.12.jpg"),
        ("cat", ""),
        ("01", ""),
        ("7", ""),
        ("7.jpg", "x/7.jpg"),
        ("7.png", "x/7.png"),
        ("8", ""),
        ("8.jpg", ""),
        ("y/8", "y/8.jpg"),
        ("", ""),
        ("y", ""),
        ("x/1.jpg", ""),
    ],
)
def test_finding_a_photo_by_what_a_table_calls_it(identity, path):
    photos = photos_named("train/1.jpg", "train/cat.12.jpg", "x/7.jpg", "x/7.png", "x/8.jpg", "y/8.jpg")
    assert photos.find(identity) == path


@pytest.mark.parametrize(
    ("identities", "share"),
    [(["1", "9"], 0.5), (["7", "8.jpg", "7.png"], 1), (["train/1", "y/8.jpg"], 1), (["", "y", "01", "x/1.jpg"], 0)],
)
def test_the_share_of_ids_that_name_a_photo(identities, share):
    photos = photos_named("train/1.jpg", "train/cat.12.jpg", "x/7.jpg", "x/7.png", "x/8.jpg", "y/8.jpg")
    assert photos.compute_match_share(identities) == share


def test_whether_there_are_photos(tmp_path):
    assert not has_photos(tmp_path)
    files_below(tmp_path, "a/b/1.jpg")
    assert has_photos(tmp_path)


@pytest.mark.parametrize(
    ("paths", "folder"),
    [
        ([], "."),
        (["1.jpg"], "."),
        (["a/1.jpg", "2.jpg"], "."),
        (["a/1.jpg", "a/2.jpg"], "a"),
        (["a/b/1.jpg", "a/c/2.jpg"], "a"),
        (["a/b/1.jpg", "a/2.jpg"], "a"),
        (["ab/1.jpg", "ac/2.jpg"], "."),
    ],
)
def test_common_folder(paths, folder):
    assert find_common_folder(paths) == folder
