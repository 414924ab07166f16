from __future__ import annotations

import pandas as pd
import pytest

from ensembler.competition.csv_tables import read_header, read_table, write_table
from ensembler.errors import BadData


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"id,label\n007,NA\n1e3,\n", [["007", "NA"], ["1e3", ""]]),
        (b"\xef\xbb\xbfid,label\r\n1,caf\xc3\xa9\r\n", [["1", "café"]]),
        (b'id,label\n"a,b","say ""hi"""\n', [["a,b", 'say "hi"']]),
        (b"id,label\n1\n", [["1", ""]]),
        (b"id,label\n True, nan\n", [[" True", " nan"]]),
        (b"id,label\n", []),
    ],
)
def test_every_cell_is_read_as_it_is_written(tmp_path, content, rows):
    (tmp_path / "x.csv").write_bytes(content)
    table = read_table(tmp_path / "x.csv")
    assert list(table.columns) == ["id", "label"]
    assert table.to_numpy().tolist() == rows


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "No such file"),
        (b"", "No columns to parse"),
        (b"\n\n", "No columns to parse"),
        (b"id,label\n1,a\n2,b,c\n", "Expected 2 fields in line 3, saw 3"),
        (b"id,label\n1,a,b\n2,b,c\n", "more cells than its header"),
        (b"id,label\n1,\xff\n", "utf-8"),
        (b'id,label\n1,"a\n', "EOF inside string"),
    ],
)
def test_what_is_no_table_is_told_in_one_line_that_names_it(tmp_path, content, says):
    if content is not None:
        (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(BadData, match=rf"x\.csv.*{says}.*correct or replace it\.$"):
        read_table(tmp_path / "x.csv")


def test_a_folder_is_no_table(tmp_path):
    with pytest.raises(BadData, match="directory"):
        read_table(tmp_path)


def test_reading_the_first_rows_only(tmp_path):
    (tmp_path / "x.csv").write_text("id\n1\n2\n3\n")
    assert read_table(tmp_path / "x.csv", rows=2)["id"].tolist() == ["1", "2"]


def test_what_is_written_comes_back(tmp_path):
    table = pd.DataFrame({"id": ["007", "a,b", 'c"d', " e", "é\nf"], "label": ["", "NA", "nan", "1.0", "None"]})
    write_table(tmp_path / "x.csv", table)
    assert read_table(tmp_path / "x.csv").to_numpy().tolist() == table.to_numpy().tolist()
    assert b"\r" not in (tmp_path / "x.csv").read_bytes()


def test_numbers_are_written_in_full(tmp_path):
    numbers = [0.1, 1 / 3, 1e-15, 1.0]
    write_table(tmp_path / "x.csv", pd.DataFrame({"p": numbers}))
    assert read_table(tmp_path / "x.csv")["p"].astype(float).tolist() == numbers


def test_some_columns_alone(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("\ufeffid,x,y\n007,1,\n8,2,z\n", "utf-8")
    assert read_header(path) == ["id", "x", "y"]
    assert read_table(path, columns=["y", "id"]).to_dict("list") == {"id": ["007", "8"], "y": ["", "z"]}
    path.write_text("id,x\n", "utf-8")
    assert read_header(path) == ["id", "x"]
