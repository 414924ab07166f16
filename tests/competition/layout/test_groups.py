from __future__ import annotations

import pandas as pd
import pytest
from helpers.photos import write_csv, write_photos

from ensembler.competition.layout.groups import (
    NAME_PAIRS,
    GroupColumn,
    find_groups,
    parse_groups,
    rank_group_name,
    read_groups,
)
from ensembler.competition.photo_files import PhotoFiles
from ensembler.errors import BadChoice, BadData

IDS = [f"{number:02d}" for number in range(12)]
LABELS = ["a", "b"] * 6


@pytest.fixture
def photos(tmp_path):
    return PhotoFiles.list_below(write_photos(tmp_path, *(f"train/{identity}.png" for identity in IDS)))


def labels_of(photos):
    return pd.Series(LABELS, index=list(photos.paths))


def table(path, **columns):
    """Write a table of the photos; each column is given as text of 12 letters or as a list."""
    rows = zip(IDS, *columns.values(), strict=True)
    return write_csv(path, ";".join([",".join(["image", *columns]), *(",".join(row) for row in rows)]))


@pytest.mark.parametrize(
    ("name", "is_group"),
    [
        *(
            (name, True)
            for name in ("patient", "patient_id", "PatientID", "Patient Id", "subject", "driver", "DriverNo")
        ),
        *(
            (name, True)
            for name in ("group", "case_id", "sequence", "seq_id", "location", "site_id", "StudyInstanceUID")
        ),
        *(
            (name, False)
            for name in ("label", "class", "classname", "id", "image_id", "species", "type", "view", "date")
        ),
        *((name, False) for name in ("caseload", "website", "allocation", "outpatient_ward", "")),
    ],
)
def test_names_of_groups(name, is_group):
    assert (rank_group_name(name) is not None) is is_group


def test_people_come_before_places():
    assert rank_group_name("patient_id") < rank_group_name("study") < rank_group_name("site")


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({"patient_id": "aabbccddeeff"}, "patient_id"),
        ({"label": LABELS, "patient_id": "aabbccddeeff"}, "patient_id"),
        ({"site": "aabbccddeeff", "patient": "aaabbcddeeff"}, "patient"),
        ({"patient": "abcdefghijkl", "site": "aabbccddeeff"}, "site"),
        ({"patient": "abcdefghijkl"}, None),
        ({"patient": "aaabbbcccddd"}, None),
        ({"breed": "aabbccddeeff"}, None),
        ({"patient": ["a", "a", "b", "b", "c", "c", "d", "d", "e", "e", "", ""]}, "patient"),
        ({"patient": ["a", "a", "b", "c", "d", *[""] * 7]}, None),
    ],
)
def test_a_column_of_groups(tmp_path, photos, columns, found):
    table(tmp_path / "meta.csv", **columns)
    column = find_groups(photos, labels_of(photos), None)
    assert column == (found and GroupColumn("meta.csv", "image", found))


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({"seq_id": "abcdefghijkl", "location": "aabbccddeeff"}, "location"),
        ({"seq_id": "aabbccddeefg", "location": "aabbccddeeee"}, "location"),
        ({"seq_id": "aabbccddeefg", "location": "abbccddeeeea"}, "seq_id"),
        ({"seq_id": "aabbccddeefg", "location": "aabbccddddcc"}, "seq_id"),
        ({"patient": "aabbccddeefg", "site": "aabbccddeeee"}, "patient"),
        ({"specimen": "aabbccddeefg", "case": "aabbccddeeee"}, "case"),
        ({"case": "aabbccddeefg", "seq": "aabbccddeeff", "site": "aabbccddeeee"}, "site"),
    ],
)
def test_groups_within_others_give_way_to_them(tmp_path, photos, columns, found):
    table(tmp_path / "meta.csv", **columns)
    assert find_groups(photos, labels_of(photos), None) == GroupColumn("meta.csv", "image", found)


def test_left_and_right_belong_together(tmp_path):
    names = [f"{number}_{side}" for number in range(6) for side in ("left", "right")]
    photos = PhotoFiles.list_below(write_photos(tmp_path, *(f"train/{name}.jpeg" for name in names)))
    labels = pd.Series(["a", "a", "b"] * 4, index=list(photos.paths))
    assert find_groups(photos, labels, None) == NAME_PAIRS
    assert parse_groups("Names", photos) == NAME_PAIRS
    assert read_groups(NAME_PAIRS, photos).to_dict() == {f"train/{name}.jpeg": name[0] for name in names}
    write_csv(
        tmp_path / "meta.csv", "image,patient,site;" + ";".join(f"{name},p{name[0]},s{name[0]}" for name in names)
    )
    assert find_groups(photos, labels, None) == GroupColumn("meta.csv", "image", "patient")
    write_csv(tmp_path / "meta.csv", "image,site;" + ";".join(f"{name},s{name[0]}" for name in names))
    assert find_groups(photos, labels, None) == NAME_PAIRS


@pytest.mark.parametrize("content", [b"", b"image,patient\n\xe9,a\n", b"image,patient\n1,2\n3,4,5\n"])
def test_tables_that_cannot_be_read_are_passed_over(tmp_path, photos, content):
    (tmp_path / "a.csv").write_bytes(content)
    assert find_groups(photos, labels_of(photos), None) is None
    table(tmp_path / "meta.csv", patient="aabbccddeeff")
    assert find_groups(photos, labels_of(photos), None) == GroupColumn("meta.csv", "image", "patient")


def test_a_table_that_breaks_off_is_passed_over(tmp_path, photos):
    path = table(tmp_path / "meta.csv", patient="aabbccddeeff")
    path.write_text(path.read_text() + "x,y\n" * 300 + "1,2,3\n")
    assert find_groups(photos, labels_of(photos), None) is None


def test_the_label_under_another_name_is_no_group(tmp_path, photos):
    table(tmp_path / "meta.csv", group="uuvvwwxxyyzz")
    labels = pd.Series(list("aabbccddeeff"), index=list(photos.paths))
    assert find_groups(photos, labels, None) is None
    assert find_groups(photos, labels.iloc[::-1].set_axis(labels.index), None) is None
    assert find_groups(photos, labels_of(photos), None) is not None


def test_tables_of_other_photos_and_samples_are_passed_over(tmp_path, photos):
    write_csv(tmp_path / "test.csv", "image,patient;x,a;y,a;z,b")
    table(tmp_path / "sample_submission.csv", patient="aabbccddeeff")
    assert find_groups(photos, labels_of(photos), None) is None


@pytest.mark.parametrize("answer", ["none", "None", " NONE "])
def test_groups_may_be_denied(photos, answer):
    assert parse_groups(answer, photos) is None


def test_groups_may_be_named(tmp_path, photos):
    path = table(tmp_path / "a b" / "meta.csv", colour="aaabbbcccddd")
    assert parse_groups("a b/meta.csv:colour", photos) == GroupColumn("a b/meta.csv", "image", "colour")
    assert parse_groups(f"{path}:colour", photos) == GroupColumn("a b/meta.csv", "image", "colour")


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        ("meta.csv:color", BadChoice, r"no group column named 'color': did you mean colour\?"),
        (
            "other.csv:colour",
            BadChoice,
            r"The file \S+other\.csv does not exist: Hints\(groups=.* expects FILE:COLUMN",
        ),
        ("colour", BadChoice, r"Hints\(groups=.* expects FILE:COLUMN with a file relative to"),
        ("strange.csv:colour", BadData, r"No column of \S+strange\.csv contains the names of training photos"),
    ],
)
def test_groups_that_are_not_there(tmp_path, photos, answer, error, says):
    table(tmp_path / "meta.csv", colour="aaabbbcccddd")
    write_csv(tmp_path / "strange.csv", "image,colour;x,a;y,b")
    with pytest.raises(error, match=says):
        parse_groups(answer, photos)


def test_the_group_of_each_photo(tmp_path, photos):
    write_csv(tmp_path / "meta.csv", "patient,file;p1,00.png;p1,01.png; p2 ,02.png;,03.png;p3,99.png")
    groups = read_groups(GroupColumn("meta.csv", "file", "patient"), photos)
    assert groups.to_dict() == {"train/00.png": "p1", "train/01.png": "p1", "train/02.png": "p2"}


def test_a_photo_of_two_groups_makes_them_one(tmp_path, photos):
    write_csv(tmp_path / "meta.csv", "file,patient;00,p1;01,p2;02,p3;01,p1;00,p1")
    groups = read_groups(GroupColumn("meta.csv", "file", "patient"), photos)
    assert groups.to_dict() == {"train/00.png": "p1", "train/01.png": "p1", "train/02.png": "p3"}


def test_a_column_that_is_gone(tmp_path, photos):
    table(tmp_path / "meta.csv", patient="aabbccddeeff")
    with pytest.raises(
        BadData, match=r"meta\.csv does not contain the column driver: correct train\.groups in competition\.toml"
    ):
        read_groups(GroupColumn("meta.csv", "image", "driver"), photos)
