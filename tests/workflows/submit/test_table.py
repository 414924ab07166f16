from __future__ import annotations

import csv
import dataclasses
import io

import pytest
from helpers.ledger_rows import ROW

from ensembler.submission.ledger.rows import FIELD_NAMES
from ensembler.workflows.submit.table import build_submission_table, format_csv


def format_table(rows, *, width=None, show_competition=False):
    text = io.StringIO()
    build_submission_table(rows, show_competition=show_competition).write(text, width=width)
    return [line.rstrip() for line in text.getvalue().splitlines()]


def changed(**fields):
    return dataclasses.replace(ROW, **fields)


def cell(column, row):
    """What stands below a column's name, when the table has this row alone."""
    # A metric no longer than its column's name, so that the next column begins where the name ends.
    header, line = format_table([dataclasses.replace(row, metric="f1")])
    begin = header.index(column)
    after = [header.index(name) for name in HEADER if header.index(name) > begin]
    right = {"own ± error", "public", "private", "gap"}
    # A column of numbers ends with its name, any other begins with it.
    if column in right:
        before = [header.index(name) + len(name) for name in HEADER if header.index(name) < begin]
        return line[max(before) : begin + len(column)].strip()
    return line[begin : min(after, default=None)].strip()


HEADER = ["when (UTC)", "file", "stack", "metric", "own ± error", "public", "private", "gap", "status", "message"]


@pytest.mark.parametrize(
    ("fields", "column", "shown"),
    [
        ({}, "when (UTC)", "2026-01-31 12:02"),
        ({}, "own ± error", "0.0400 ± 0.0020"),
        ({"own_error": None}, "own ± error", "0.0400"),
        ({"own": None}, "own ± error", ""),
        ({"own": None, "own_error": None}, "own ± error", ""),
        ({}, "gap", "+0.0030 (1.5 se)"),
        ({"own_error": None}, "gap", "+0.0030"),
        ({"public": None}, "gap", ""),
        ({}, "public", "0.04300"),
        ({"private": 0.5}, "private", "0.50000"),
        ({}, "status", "complete"),
        ({"status": ""}, "status", "not submitted"),
        ({}, "message", "first"),
        ({"reason": "Bad row"}, "message", "Bad row"),
        ({"description": "two\nlines \x1b[31mred\x07"}, "message", "two lines [31mred"),
        ({"description": "[bold]as it is[/bold] :smile:"}, "message", "[bold]as it is[/bold] :smile:"),
    ],
)
def test_what_stands_in_a_column(fields, column, shown):
    assert cell(column, changed(**fields)) == shown


def test_the_competition_is_shown_among_others():
    lines = format_table([ROW], show_competition=True)
    assert [line.split()[0] for line in lines] == ["competition", "dogs"]


@pytest.mark.parametrize("width", [150, 140, 133])
@pytest.mark.parametrize("text", ["short", "a long description " * 20, "日本語の説明" * 30, "e\u0301" * 200])
def test_a_message_is_shortened_to_the_terminal(width, text):
    rows = [changed(description=text), ROW]
    whole, cut = format_table(rows), format_table(rows, width=width)
    assert whole[1].endswith(text.strip())
    assert cut[1].endswith("…") == (text != "short")
    wide = sum(letter in "日本語の説明" for letter in cut[1])
    accents = cut[1].count("\u0301")
    assert len(cut[1]) + wide - accents <= width
    assert len(cut[1]) + wide - accents >= width - 1 or text == "short"


def test_a_narrow_terminal_still_shows_the_beginning_of_a_message():
    assert format_table([changed(description="x" * 99)], width=20)[1].endswith(" " + "x" * 11 + "…")


def test_the_csv_is_of_rfc_4180():
    odd = 'a "quoted", line\nand another'
    text = format_csv([changed(description=odd), ROW])
    assert text.endswith("\r\n")
    assert '"a ""quoted"", line\nand another"' in text
    first, second = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    assert tuple(first) == FIELD_NAMES
    assert (first["description"], second["description"]) == (odd, "first")
    assert (first["members"], first["private"], first["own"], first["ref"]) == ("b0", "", "0.04", "11")
    assert format_csv([]) == ",".join(FIELD_NAMES) + "\r\n"
