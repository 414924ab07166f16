from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from ensembler.errors import BadChoice
from ensembler.tables import Listing, Table


def test_a_table_is_data_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    Table(["member", "log loss"], [["b0", "0.0400"], ["mobilenetv2", 1]]).write()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [["member", "log", "loss"], ["b0", "0.0400"], ["mobilenetv2", "1"]]


def test_wide_tables_are_not_cut_off(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["word" * 10 for _ in range(10)]
    Table(words, [words, ["[b0 2026]", *words[1:]]]).write()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [words, words, ["[b0", "2026]", *words[1:]]]


NAMES = [SimpleNamespace(name="b0", loss=0.5), SimpleNamespace(name="<b>", loss=0.25)]


def build_names_table(items: Sequence[Any]) -> Table:
    return Table(["name", "loss"], [[item.name, item.loss] for item in items], notes=["1 < 2"] if items else [])


def test_a_listing_finds_items_by_position_and_by_name() -> None:
    listing = Listing(NAMES, build_names_table)
    assert listing[0] is listing["b0"] is NAMES[0]
    assert listing[:1] == NAMES[:1]
    with pytest.raises(BadChoice, match=r"'b1'.*b0"):
        listing["b1"]
    assert "b0" in listing
    assert "b1" not in listing
    assert NAMES[0] in listing
    with pytest.raises(BadChoice, match="no item named 'b1': the list is empty"):
        Listing([], build_names_table)["b1"]


def test_the_first_item_and_the_first_key_win() -> None:
    rows = [SimpleNamespace(file="a.csv", stack="s"), SimpleNamespace(file="a.csv", stack="a.csv")]
    listing = Listing(rows, build_names_table, keys=("file", "stack"))
    assert listing["a.csv"] is listing["s"] is rows[0]


def test_a_listing_reads_as_a_table() -> None:
    assert repr(Listing(NAMES, build_names_table)).splitlines() == [
        "name  loss",
        "b0     0.5",
        "<b>   0.25",
        "",
        "1 < 2",
    ]
    assert repr(Listing([], build_names_table)) == "name  loss"


def test_notebooks_get_a_table_whose_words_are_no_tags() -> None:
    page = Listing(NAMES, build_names_table)._repr_html_()
    assert page.startswith('<table><tr><th style="text-align: left">name</th>')
    assert '<td style="text-align: left">&lt;b&gt;</td><td style="text-align: right">0.25</td>' in page
    assert page.endswith("1 &lt; 2</pre>")
