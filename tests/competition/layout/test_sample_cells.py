from __future__ import annotations

import pytest
from helpers.photos import write_csv

from ensembler.competition.layout.sample_cells import spell_like_sample

CLASSES = ("Red Fox", "Wolf")


@pytest.mark.parametrize(
    ("cells", "texts"),
    [
        ({"Wolf"}, ()),
        ({"wolf"}, ("red fox", "wolf")),
        ({"RED FOX"}, ("RED FOX", "WOLF")),
        ({"red_fox"}, ("red_fox", "wolf")),
        ({"Red_Fox"}, ("Red_Fox", "Wolf")),
        ({"bear"}, ()),
        (set(), ()),
    ],
)
def test_the_spelling_of_the_sample(tmp_path, cells, texts):
    assert spell_like_sample(cells, CLASSES, tmp_path) == (texts, None)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("names.json", '{"0": "Wolf", "1": "Red Fox", "2": "Bear"}'),
        ("names.json", '{"Wolf": 0, "Red Fox": 1}'),
        ("classes.csv", "name,number\nWolf,0\nRed Fox,1\n"),
        ("classes.csv", "name,count,label_id\nWolf,20,0\nRed Fox,30,1\n"),
        ("classes.tsv", "number\tname\n0\tWolf\n1\tRed Fox\n"),
    ],
)
def test_a_map_of_numbers(tmp_path, name, content):
    (tmp_path / name).write_text(content, "utf-8")
    assert spell_like_sample({"0"}, CLASSES, tmp_path) == (("1", "0"), tmp_path / name)
    assert spell_like_sample({"7"}, CLASSES, tmp_path) == ((), None)


def test_tables_that_map_no_classes_are_passed_over(tmp_path):
    write_csv(tmp_path / "a.csv", "id,name;0,Wolf;1,Wolf")
    write_csv(tmp_path / "b.csv", "id,name;0,Wolf;7,Bear")
    (tmp_path / "c.json").write_text("{", "utf-8")
    assert spell_like_sample({"0"}, CLASSES, tmp_path) == ((), None)
