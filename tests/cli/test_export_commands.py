"""The command ``export`` passes its options on, shows the table, and ends with 1 if files were refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from helpers.exports_made import make_figures

from ensembler.cli import commands
from ensembler.exports.result import ExportedFile, ExportResult


def typed(monkeypatch: pytest.MonkeyPatch, *words: str, refused: str = "") -> tuple[Result, dict[str, Any]]:
    asked: dict[str, Any] = {}

    def run(**options: Any) -> ExportResult:
        asked.update(options)
        files = [
            ExportedFile("onnx", "none", Path("out/first.onnx"), 1e-4, make_figures()),
            ExportedFile("onnx", "int8", Path("out/first-int8.onnx"), 1e-2, make_figures(0.5), refused),
        ]
        return ExportResult(
            "first", Path("out"), tuple(files), make_figures(), 12, 1, "a CPU, 2 threads", ("a reason",)
        )

    monkeypatch.setattr("ensembler.workflows.export.export", run)
    return CliRunner().invoke(commands, ["export", "-o", "out", *words]), asked


def test_options_are_passed_on_and_the_table_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["--member", "b0", "--format", "onnx,litert", "--quantize", "all", "--tolerance", "0.5", "--single-photo"]
    ended, asked = typed(monkeypatch, *words)
    assert ended.exit_code == 0
    assert (asked["member"], asked["formats"], asked["quantize"]) == ("b0", ["onnx", "litert"], ["all"])
    assert (asked["tolerance"], asked["single_photo"], asked["output"]) == (0.5, True, Path("out"))
    assert ended.stdout.splitlines()[0].split("  ")[0] == "format"
    assert "a reason" in ended.stdout
    assert "12 photos of training and 1 photo of test" in ended.stdout


def test_refused_files_end_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    ended, _ = typed(monkeypatch, "--json", refused="the log loss rises")
    assert ended.exit_code == 1
    assert json.loads(ended.stdout)["files"][1]["refused"] == "the log loss rises"
    assert "1 of 2 files were refused" in ended.stderr
