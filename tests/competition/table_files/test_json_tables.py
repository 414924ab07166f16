from __future__ import annotations

import json

import pytest

from ensembler.competition.table_files.json_tables import read_json_table
from ensembler.competition.table_files.reading import read_columns, read_table_file
from ensembler.errors import BadData

COCO = {
    "images": [{"id": 7, "file_name": "train/1.jpg"}, {"id": 8, "file_name": "train/2.jpg"}, {"id": 9}],
    "annotations": [
        {"image_id": 7, "category_id": 1},
        {"image_id": 8, "category_id": 0},
        {"image_id": 9, "category_id": 0},
    ],
    "categories": [{"id": 0, "name": "ash"}, {"id": 1, "name": "birch"}],
}
COCO_ROWS = [
    {"file_name": "train/1.jpg", "category_id": "1", "category": "birch"},
    {"file_name": "train/2.jpg", "category_id": "0", "category": "ash"},
]
CONTENTS = {
    "COCO": (COCO, COCO_ROWS),
    "a map": ({"1.jpg": "cat", "2.jpg": 3}, [{"photo": "1.jpg", "label": "cat"}, {"photo": "2.jpg", "label": "3"}]),
    "a map to tags": ({"1.jpg": ["a", "b"]}, [{"photo": "1.jpg", "label": "a|b"}]),
    "a map to records": ({"1.jpg": {"label": "cat", "box": {"x": 1}}}, [{"photo": "1.jpg", "label": "cat"}]),
    "records": ([{"id": 1, "label": 2.0}, {"id": 2}], [{"id": "1", "label": "2"}, {"id": "2", "label": ""}]),
    "records below a key": ({"data": [{"id": 1, "label": "a"}]}, [{"id": "1", "label": "a"}]),
}


@pytest.mark.parametrize(("content", "rows"), CONTENTS.values(), ids=CONTENTS)
def test_labels_in_json(tmp_path, content, rows):
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(content), "utf-8")
    assert read_json_table(path).to_dict("records") == rows
    assert read_columns(path) == list(rows[0])


def test_lines_of_records(tmp_path):
    path = tmp_path / "labels.jsonl"
    path.write_text('{"id": "1", "label": "a"}\n\n{"id": "2", "label": "b"}\n', "utf-8")
    assert read_table_file(path, columns=["label"], rows=1).to_dict("records") == [{"label": "a"}]
    path.write_text('{"id": "1", "label": "changed"}\n', "utf-8")
    assert read_table_file(path)["label"].tolist() == ["changed"]


@pytest.mark.parametrize("text", ["[1, 2]", "{", "3", "{}", '{"a": {"b": 1}, "c": 2}'])
def test_other_json_is_no_table(tmp_path, text):
    path = tmp_path / "odd.json"
    path.write_text(text, "utf-8")
    with pytest.raises(BadData, match=r"Cannot read .*odd\.json as a table"):
        read_table_file(path)


@pytest.mark.parametrize("name", ["a.parquet", "a.xlsx"])
def test_tables_that_need_a_package_name_it(tmp_path, name):
    (tmp_path / name).write_bytes(b"PAR1")
    with pytest.raises(BadData, match=rf"{name}.*(pip install|convert)"):
        read_table_file(tmp_path / name)
