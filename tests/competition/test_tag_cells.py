from __future__ import annotations

import pandas as pd
import pytest

from ensembler.competition.tag_cells import BLANK, LIST, detect_separator, join_tags, split_cell, split_cells

CELLS = {
    "|": ["a|b", "b", ""],
    ",": ["a,b", "b"],
    ", ": ["a, b", "b"],
    ";": ["a;b", "b"],
    LIST: ["['a', 'b']", "['b']"],
    BLANK: ["a b", "b"],
}


@pytest.mark.parametrize(("separator", "cells"), CELLS.items())
def test_the_separator_is_seen_and_written(separator, cells):
    assert detect_separator(cells) == separator
    assert split_cell(cells[0], separator) == ["a", "b"]
    assert join_tags(["a", "b"], separator) == cells[0]


@pytest.mark.parametrize(
    ("cell", "separator", "tags"),
    [
        ("a  b a", BLANK, ["a", "b"]),
        ("red fox, wolf", ",", ["red fox", "wolf"]),
        ("[a, 'b']", LIST, ["a", "b"]),
        ('["a"]', LIST, ["a"]),
        ("[]", LIST, []),
        ("", "|", []),
        ("|a||b|", "|", ["a", "b"]),
    ],
)
def test_tags_of_a_cell(cell, separator, tags):
    assert split_cell(cell, separator) == tags


def test_cells_of_a_column():
    assert split_cells(pd.Series(["b;a", "", "b;a"], index=[3, 5, 7]), ";").to_dict() == {
        3: ["b", "a"],
        5: [],
        7: ["b", "a"],
    }
