from __future__ import annotations

import io
import re
import time

import pytest
from rich.console import Console

from ensembler.console import ConsoleProgress, print_table


def test_each_finished_stretch_leaves_a_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with ConsoleProgress() as progress:
        task = progress.start("heads", 5)
        task.advance(5)
        task.finish()
        task.finish()
        progress.note("[a note] in brackets of a:dog:b")
    printed = capsys.readouterr()
    assert printed.err.count("heads: 5 in") == 1
    assert "[a note] in brackets of a:dog:b" in printed.err
    assert printed.out == ""


def test_bytes_are_told_in_units_that_fit(capsys: pytest.CaptureFixture[str]) -> None:
    task = ConsoleProgress().start_bytes("unpack", 25_000_000, done=5_000_000)
    task.advance(20_000_000)
    task.finish()
    assert "unpack: 20.0 MB in" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("start", "total", "amount", "rate"),
    [
        ("start", 200, "100/200", r"\d+/s"),
        ("start_bytes", 0, "100 bytes", "/s"),
        ("start_bytes", 4000, "of 4.0 kB", "/s"),
    ],
)
def test_a_bar_shows_amount_and_rate(start: str, total: int, amount: str, rate: str) -> None:
    progress = ConsoleProgress()
    task = getattr(progress, start)("features", total)
    for _ in range(10):
        task.advance(10)
        time.sleep(0.005)
    screen = Console(width=200, record=True, file=io.StringIO())
    screen.print(progress.bars.make_tasks_table(progress.bars.tasks))
    shown = screen.export_text()
    assert amount in shown
    assert re.search(rate, shown)


def test_quiet_leaves_warnings_only(capsys: pytest.CaptureFixture[str]) -> None:
    progress = ConsoleProgress(quiet=True)
    progress.start("heads", 5).finish()
    progress.note("nothing to see")
    progress.warn("look here")
    assert capsys.readouterr().err.strip() == "Warning: look here"


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
