from __future__ import annotations

import pytest
from helpers.photos import write_csv, write_photos

from ensembler.competition.layout.readable_tables import explain_tables, list_readable_tables, refuse_unclear_tables
from ensembler.competition.photo_files import PhotoFiles
from ensembler.competition.sample_submission import SampleSubmission
from ensembler.errors import MissingHint

ROWS = ";".join(f"x{number},a" for number in range(4))


@pytest.fixture
def photos(tmp_path):
    return PhotoFiles.list_below(write_photos(tmp_path, *(f"train/{number}.png" for number in range(4)), "test/9.png"))


def test_samples_and_tables_that_cannot_be_read_are_passed_over(tmp_path):
    for name in ("b.csv", "a/Train.CSV", "sample_submission.csv", "answer.csv"):
        write_csv(tmp_path / name, "id,label;1,a")
    (tmp_path / "a.csv").write_bytes(b"")
    sample = SampleSubmission.read(tmp_path / "answer.csv")
    assert list_readable_tables(tmp_path, sample) == [tmp_path / "b.csv", tmp_path / "a" / "Train.CSV"]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", f"id,label;{ROWS}", r"no column names photos \(column 'id' begins with 'x0', most like train/0\.png"),
        ("train.csv", "id,label;x1,a", "no column names photos"),
        ("labels.parquet", "PAR1", "it can only be read with the package pyarrow|it cannot be read"),
        ("labels.json", "[1]", "it cannot be read .it is neither COCO"),
    ],
)
def test_a_table_that_may_have_the_labels_is_not_passed_over(tmp_path, photos, name, content, reason):
    write_csv(tmp_path / name, content)
    with pytest.raises(MissingHint, match=rf"{name} may contain the labels but is not understood, because .*{reason}"):
        refuse_unclear_tables(photos, None, has_names=False)
    with pytest.raises(MissingHint, match=r"or use the names of files with Hints\(labels='names'\)"):
        refuse_unclear_tables(photos, None, has_names=True)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("notes.json", "[1]", "it cannot be read"),
        ("README.txt", "a title;", None),
        ("sizes.csv", "id,width;x1,w3", "no column names photos"),
        ("train_names.json", '{"0": "ash", "1": "birch"}', "it maps numbers to names"),
        ("test.csv", "id,label;9,a", "it is about photos of test, and their labels are not read from it"),
        ("meta.csv", "id,width;0,3;1,4;2,5", "it is about photos of train, and another source gives their labels"),
        ("submission_format.csv", "id,label;9,a", "another sample submission is used"),
        ("ids.csv", "id;1", "it has no columns of ids and labels"),
    ],
)
def test_other_tables_are_named_with_a_reason(tmp_path, photos, name, content, reason):
    write_csv(tmp_path / name, content)
    refuse_unclear_tables(photos, None, has_names=True)
    found = explain_tables(photos.select_inside("train"), photos, None)
    assert [item.text.startswith(reason) for item in found.values()] == ([True] if reason else [])
