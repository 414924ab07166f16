from __future__ import annotations

import gzip

import pytest

from ensembler.competition.table_files.dialects import detect_dialect
from ensembler.competition.table_files.reading import read_table_file
from ensembler.errors import BadData

ROWS = [("1", "crème brûlée"), ("2", "häagen, cold"), ("07", "")]
TABLE = [dict(zip(("id", "label"), row, strict=True)) for row in ROWS]


def join_rows(separator, header="id{}label", quote='"'):
    return "\n".join([header.format(separator), *(f"{a}{separator}{quote}{b}{quote}" for a, b in ROWS)]) + "\n"


DIALECTS = {
    "commas": (join_rows(",").encode(), ""),
    "commas and blanks": (join_rows(", ").encode(), ""),
    "semicolons": (join_rows(";", quote="").encode(), "separated by semicolons"),
    "tabs": (join_rows("\t", quote="").encode(), "separated by tabs"),
    "vertical bars": (join_rows("|", quote="").encode(), "separated by vertical bars"),
    "a byte order mark": (b"\xef\xbb\xbf" + join_rows(",").encode(), ""),
    "UTF-16": (join_rows(",").encode("utf-16"), "encoded in utf-16"),
    "Windows": (join_rows(",").encode("cp1252"), "encoded in cp1252"),
    "line ends of Windows": (join_rows(",").replace("\n", "\r\n").encode(), ""),
    "blanks around cells": (b'id ,label \n1 ,cr\xc3\xa8me br\xc3\xbbl\xc3\xa9e \n2,"h\xc3\xa4agen, cold"\n07, \n', ""),
    "row numbers": (
        ',id,label\n0,1,crème brûlée\n1,2,"häagen, cold"\n2,07,\n'.encode(),
        "without its column of row numbers",
    ),
    "a line of Excel": (
        ("sep=;\n" + join_rows(";", quote="")).encode(),
        "separated by semicolons, below 1 line of comments",
    ),
    "a comment with a comma": (("# by labelme, v1\n" + join_rows(",")).encode(), "below 1 line of comments"),
    "comments": (("# exported\n# today\n" + join_rows(",")).encode(), "below 2 lines of comments"),
    "a header in a comment": (
        ("# exported\n#" + join_rows("\t", quote="")).encode(),
        "separated by tabs, below 2 lines of comments",
    ),
    "no line end": (join_rows(",").rstrip().encode(), ""),
}


@pytest.mark.parametrize(("content", "words"), DIALECTS.values(), ids=DIALECTS)
def test_all_dialects_give_the_same_table(tmp_path, content, words):
    path = tmp_path / "labels.csv"
    path.write_bytes(content)
    assert read_table_file(path).to_dict("records") == TABLE
    assert detect_dialect(path).describe() == words
    assert list(read_table_file(path, columns=["label"])) == ["label"]
    assert len(read_table_file(path, rows=2)) == 2


def test_a_compressed_table(tmp_path):
    path = tmp_path / "labels.csv.gz"
    path.write_bytes(gzip.compress(join_rows(";", quote="").encode()))
    assert read_table_file(path).to_dict("records") == TABLE


@pytest.mark.parametrize(
    ("name", "text", "columns", "rows"),
    [
        ("a.csv", "1.jpg,cat\n2.jpg,dog\n", ["column 1", "column 2"], 2),
        ("a.csv", "0001,cat\n0002,dog\n", ["column 1", "column 2"], 2),
        ("a.txt", "x/1.png cat\nx/2.png dog\n", ["column 1", "column 2"], 2),
        ("a.csv", "id,0,1\n1,0.5,0.5\n", ["id", "0", "1"], 1),
        ("a.csv", "photo,cat.jpeg_old\n1,x\n", ["photo", "cat.jpeg_old"], 1),
        ("a.csv", "class,count\n3,7\n", ["class", "count"], 1),
    ],
)
def test_the_first_row_may_be_data(tmp_path, name, text, columns, rows):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    table = read_table_file(path)
    assert (list(table.columns), len(table)) == (columns, rows)


def test_a_letter_outside_ascii_may_come_late(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_bytes(b"id,label\n" + b"1,plain\n" * 40_000 + "2,brûlée\n".encode("cp1252"))
    assert read_table_file(path).iloc[-1].tolist() == ["2", "brûlée"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "Cannot read .*No such file"),
        (b"", "Cannot read .*No columns"),
        (b"a\nb,c\nd,e,f\n", "Cannot read .*Expected .* line"),
        (b"a,b\n1,2,3\n1,2,3\n", "have more cells than its header"),
    ],
)
def test_what_is_no_table_is_refused_with_its_name(tmp_path, content, says):
    path = tmp_path / "odd.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadData, match=rf"(?s){says}|odd\.csv {says}"):
        read_table_file(path)


def test_labels_may_all_contain_a_comma(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("id;label\n" + "".join(f"{row};Corn, sweet\n" for row in range(30)), "utf-8")
    assert read_table_file(path).iloc[0].tolist() == ["0", "Corn, sweet"]
