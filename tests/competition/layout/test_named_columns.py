"""Columns of the table of labels that the user names: photos, labels and groups."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from helpers.photos import write_csv, write_photos

from ensembler.competition.layout.hints import Hints
from ensembler.competition.layout.layout import find_layout
from ensembler.competition.layout.local import find_local_layout
from ensembler.competition.manifest import Manifest
from ensembler.competition.photo_files import PhotoFiles
from ensembler.competition.tables import read_photo_groups
from ensembler.errors import BadChoice, EnsemblerError, MissingHint

PHOTOS = [f"photos/{row}.jpg" for row in range(6)]
# Two columns name photos: the older names are those of other photos here.
ROWS = [
    ("photos/0.jpg", "1.jpg", "red", "a", "x"),
    ("photos/1.jpg", "0.jpg", "red", "a", "x"),
    ("photos/2.jpg", "3.jpg", "red", "b", "y"),
    ("photos/3.jpg", "2.jpg", "blue", "b", "y"),
    ("photos/4.jpg", "5.jpg", "blue", "c", "z"),
    ("photos/5.jpg", "4.jpg", "blue", "c", "z"),
]
HEADER = "file,old_name,colour,house,zone"
TABLE = ";".join([HEADER, *(",".join(row) for row in ROWS)])


def adopted(root: Path, **hints: str) -> Manifest:
    return find_local_layout(PhotoFiles.list_below(root), "made", Hints(**hints), root / "sample.csv")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_photos(tmp_path, *PHOTOS)
    write_csv(tmp_path / "cars.csv", TABLE)
    return tmp_path


@pytest.mark.parametrize("column", ["file", "old_name"])
@pytest.mark.parametrize("labels", ["cars.csv", None])
def test_the_named_columns_are_used(root: Path, column: str, labels: str | None) -> None:
    hints = {"image_column": column, "label_column": "colour", "group_column": "house"}
    train = adopted(root, **hints, **({"labels": labels} if labels else {})).train
    assert (train.file, train.id_column, train.columns) == ("cars.csv", column, ("colour",))
    assert (train.groups, train.group_id_column, train.group_column) == ("cars.csv", column, "house")


def test_groups_follow_the_column_of_photos(root: Path) -> None:
    manifest = adopted(root, image_column="old_name", label_column="colour", group_column="house")
    photos = PhotoFiles.list_below(root)
    groups = read_photo_groups(pd.Series(photos.paths), manifest, photos)
    assert groups.tolist() == ["a", "a", "b", "b", "c", "c"]


def test_a_column_of_groups_is_none_of_labels(tmp_path: Path) -> None:
    write_photos(tmp_path, *PHOTOS)
    write_csv(tmp_path / "cars.csv", ";".join(["file,colour,zone", *(f"{r[0]},{r[2]},{r[4]}" for r in ROWS)]))
    with pytest.raises(MissingHint, match="colour, zone"):
        adopted(tmp_path)
    assert adopted(tmp_path, group_column="zone").train.columns == ("colour",)


@pytest.mark.parametrize(
    "spelling",
    [
        "{row}",
        "{row}.png",
        "/kaggle/input/cars/photos/{row}.jpg",
        "C:\\cars\\photos\\{row}.jpg",
        "https://example.org/a/b/{row}.jpg",
        "https://example.org/photos/{row}.jpg?size=large#top",
        "http://example.org/%70hotos/%3{row}.jpg",
        "s3://bucket/photos/{row}.jpg",
    ],
)
def test_cells_may_be_names_paths_or_addresses(tmp_path: Path, spelling: str) -> None:
    write_photos(tmp_path, *PHOTOS)
    rows = [f"{n},{spelling.format(row=n)},{row[2]}" for n, row in enumerate(ROWS)]
    write_csv(tmp_path / "cars.csv", ";".join(["row,picture,colour", *rows]))
    manifest = adopted(tmp_path, labels="cars.csv", image_column="picture", label_column="colour")
    assert (manifest.train.id_column, manifest.classes) == ("picture", ("blue", "red"))


def test_columns_may_be_named_beside_folders_of_classes(tmp_path: Path) -> None:
    """A table of drivers repeats the labels that the folders have, and adds groups."""
    photos = [f"train/c{row % 2}/{row}.jpg" for row in range(12)]
    write_photos(tmp_path, *photos, "test/99.jpg")
    rows = [f"d{row // 3},c{row % 2},{row}.jpg" for row in range(12)]
    write_csv(tmp_path / "drivers.csv", ";".join(["who,classname,img", *rows]))
    write_csv(tmp_path / "sample_submission.csv", "img,c0,c1;99.jpg,0.5,0.5")
    train = find_layout(tmp_path, "made", "", Hints(group_column="who"), "raw").train
    assert (train.labels, train.columns, train.groups, train.group_column) == (
        "csv",
        ("classname",),
        "drivers.csv",
        "who",
    )


REFUSALS = {
    "an unknown column of photos": (
        {"labels": "cars.csv", "image_column": "picture"},
        r"no image column in \S+cars\.csv named 'picture': known are (?=.*file)(?=.*old_name)(?=.*zone)",
    ),
    "an unknown column of groups": (
        {"labels": "cars.csv", "group_column": "hause"},
        r"no group column in \S+cars\.csv named 'hause': did you mean house\?",
    ),
    "unknown columns of no named table": (
        {"image_column": "picture", "group_column": "street"},
        r"No table in \S+ has the image column 'picture' and group column 'street': cars\.csv has file, old_name, ",
    ),
    "a column of no photos in the named table": (
        {"labels": "cars.csv", "image_column": "house", "label_column": "colour"},
        r"No cell of the column 'house' of cars\.csv is the name of a photo in \S+: name another",
    ),
    "a column of no photos": (
        {"image_column": "house", "label_column": "colour"},
        "No cell of the column 'house' of cars",
    ),
    "a column of photos without a table": (
        {"labels": "names", "image_column": "file"},
        "reads no table, so the column 'file' cannot be used",
    ),
    "a column of labels without a table": (
        {"labels": "folders", "label_column": "colour"},
        "reads no table, so the column 'colour' cannot be used",
    ),
    "one column for photos and groups": (
        {"labels": "cars.csv", "image_column": "file", "group_column": "file"},
        r"'file' of \S+cars\.csv cannot be both Hints\(image_column",
    ),
    "one column for photos and labels": (
        {"labels": "cars.csv", "image_column": "file", "label_column": "file"},
        r"'file' of \S+cars\.csv is that of Hints\(image_column",
    ),
    "one column for groups and labels": (
        {"labels": "cars.csv", "group_column": "colour", "label_column": "colour"},
        "'colour' of .* is that of",
    ),
    "groups named twice": (
        {"labels": "cars.csv", "group_column": "house", "groups": "cars.csv:zone"},
        "Use either .*groups.* or .*group_column",
    ),
}


@pytest.mark.parametrize(("hints", "says"), REFUSALS.values(), ids=REFUSALS)
def test_what_does_not_fit_is_refused(root: Path, hints: dict[str, str], says: str) -> None:
    with pytest.raises(BadChoice) as caught:
        adopted(root, **{"label_column": "colour", **hints})
    assert re.search(says, str(caught.value)), str(caught.value)


def test_a_column_of_groups_needs_a_table_of_labels(tmp_path: Path) -> None:
    write_photos(tmp_path, "train/a/1.jpg", "train/b/2.jpg", "train/a/3.jpg", "train/b/4.jpg")
    write_csv(tmp_path / "owners.csv", "photo,owner_id;1,p;2,q;3,p;4,q")
    hints = Hints(group_column="owner_id")
    with pytest.raises(EnsemblerError, match=r"labels come from folders: name the table too"):
        find_local_layout(PhotoFiles.list_below(tmp_path), "made", hints, tmp_path / "sample.csv")
