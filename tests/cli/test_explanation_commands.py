"""The command with the work left out: what it passes on, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from ensembler.cli import commands
from ensembler.explanations.explanation import Explanation
from ensembler.workflows.explain.result import Explanations


@pytest.mark.parametrize("unreadable", [(), (Path("2.png"),)])
def test_photos_that_are_left_out_are_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, unreadable: tuple[Path, ...]
) -> None:
    asked: dict[str, Any] = {}
    heat = np.full((56, 56), 1 / 56**2, np.float32)
    found = Explanation(Path("кот.png"), "", "", False, "cat", "cat", {"cat": 0.9, "dog": 0.1}, heat, ())

    def run(photos: tuple[str, ...], **options: Any) -> Explanations:
        asked.update(options, photos=photos)
        return Explanations("both", (), (found,), unreadable, Path("explanations"))

    monkeypatch.setattr("ensembler.workflows.explain.explain.explain", run)
    ended = CliRunner().invoke(commands, ["explain", "кот.png", "17", "--class", "cat", "--members", "--json"])
    assert ended.exit_code == len(unreadable)
    assert (asked["photos"], asked["class_name"], asked["members"]) == (("кот.png", "17"), "cat", True)
    assert asked["output"] == Path("explanations")
    [photo] = json.loads(ended.stdout)["photos"]
    assert (photo["class"], photo["probability"], photo["region"]) == ("cat", 0.9, "centre")
    left_out = "Error: Left out 1 of 2 photos, which cannot be decoded: replace or remove them.\n"
    assert ended.stderr == (left_out if unreadable else "")
