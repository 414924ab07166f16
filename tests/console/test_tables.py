from __future__ import annotations

import pytest

from ensembler.console import print_table


def test_a_table_is_data_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["member", "log loss"], [["b0", "0.0400"], ["mobilenetv2", 1]])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [["member", "log", "loss"], ["b0", "0.0400"], ["mobilenetv2", "1"]]


def test_wide_tables_are_not_cut_off(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["word" * 10 for _ in range(10)]
    print_table(words, [words, ["[b0 2026]", *words[1:]]])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [words, words, ["[b0", "2026]", *words[1:]]]


def test_a_table_of_problems_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["problem", "first seen"], [["1 id is missing", "'7'"]], to_error=True)
    printed = capsys.readouterr()
    assert printed.out == ""
    lines = [line.rstrip() for line in printed.err.splitlines()]
    assert lines == ["problem          first seen", "1 id is missing  '7'"]
