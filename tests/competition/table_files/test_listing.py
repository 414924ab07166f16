from __future__ import annotations

import pytest
from helpers.photos import write_csv

from ensembler.competition.sample_submission import make_relative
from ensembler.competition.table_files.listing import list_table_files

GOOD = "id,label;1,a"


def list_below(root):
    return [make_relative(path, root) for path in list_table_files(root)]


def test_a_folder_may_be_named_like_a_table(tmp_path):
    write_csv(tmp_path / "train.csv" / "train.csv", GOOD)
    assert list_below(tmp_path) == ["train.csv/train.csv"]


def test_tables_the_shallowest_first(tmp_path):
    for name in ("b/c.csv", "z.tsv", "a/b/d.csv", "a/e.JSON", "y.csv.gz", "x.parquet", "w.jsonl"):
        write_csv(tmp_path / name, GOOD)
    for name in ("notes.md", "~$z.csv", ".hidden.csv", "__MACOSX/z.csv", "image.jpg", "w.parquet.gz"):
        write_csv(tmp_path / name, GOOD)
    assert list_below(tmp_path) == ["w.jsonl", "x.parquet", "y.csv.gz", "z.tsv", "a/e.JSON", "b/c.csv", "a/b/d.csv"]


@pytest.mark.parametrize(("count", "listed"), [(20, 21), (21, 1)])
def test_files_of_single_photos_are_no_tables(tmp_path, count, listed):
    for number in range(count):
        write_csv(tmp_path / "boxes" / f"{number}.txt", "0 0.5 0.5 1 1")
    write_csv(tmp_path / "boxes" / "labels.csv", GOOD)
    assert len(list_table_files(tmp_path)) == listed
