from __future__ import annotations

import pytest

from ensembler.console import ConsoleProgress, print_table


def test_each_finished_stretch_leaves_a_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with ConsoleProgress() as progress:
        task = progress.start("heads", 5)
        task.advance(5)
        task.finish()
        task.finish()
        progress.note("[a note] in brackets")
    printed = capsys.readouterr()
    assert printed.err.count("heads: 5 in") == 1
    assert "[a note] in brackets" in printed.err
    assert printed.out == ""


def test_bytes_are_told_as_megabytes(capsys: pytest.CaptureFixture[str]) -> None:
    task = ConsoleProgress().start("unpack", 25_000_000)
    task.advance(25_000_000)
    task.finish()
    assert "unpack: 25.0 MB in" in capsys.readouterr().err


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
