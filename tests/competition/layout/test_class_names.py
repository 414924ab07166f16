from __future__ import annotations

import json

import pytest

from ensembler.competition.layout.class_names import find_class_names

CLASSES = ("0", "1", "10")
NAMES = ("healthy", "rust", "scab")
MAP = {"10": "scab", "0": "healthy", "1": "rust"}


@pytest.mark.parametrize(
    ("path", "content", "names"),
    [
        ("label_num_to_disease_map.json", MAP, NAMES),
        ("data/classes.json", MAP, NAMES),
        ("a/b/classes.json", MAP, ()),
        ("classes.json", {**MAP, "2": "unused"}, NAMES),
        ("classes.json", {**MAP, "1": " rust "}, NAMES),
        ("classes.json", {"0": "healthy", "1": "rust"}, ()),
        ("classes.json", {**MAP, "1": 7}, ()),
        ("classes.json", {**MAP, "1": ""}, ()),
        ("classes.json", ["healthy", "rust", "scab"], ()),
        ("classes.txt", MAP, ()),
    ],
)
def test_a_map_from_classes_to_names(tmp_path, path, content, names):
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text(json.dumps(content), "utf-8")
    assert find_class_names(tmp_path, CLASSES) == names


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b" " * (2 << 20)])
def test_other_json_is_passed_over(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    assert find_class_names(tmp_path, CLASSES) == ()
    (tmp_path / "b.json").write_text(json.dumps(MAP), "utf-8")
    assert find_class_names(tmp_path, CLASSES) == NAMES
