"""What a call says of explained photos."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ensembler.explanations.explanation import Explanation
from ensembler.workflows.explain.result import Explanations

HEAT = np.full((56, 56), 1 / 56**2, np.float32)


def show(photo: Path, unreadable: tuple[Path, ...] = (), **known: Any) -> str:
    fields = {"id": "", "label": "", "out_of_fold": False, "class_name": "cat", "predicted": "cat"}
    found = Explanation(
        photo, **{**fields, "probabilities": {"cat": 0.9, "dog": 0.1}, "heat": HEAT, "members": (), **known}
    )
    return str(Explanations("both", (), (found,), unreadable))


@pytest.mark.parametrize("label", ["cat", ""])
@pytest.mark.parametrize(
    ("out_of_fold", "said"),
    [
        (True, "by the folds' networks that never saw them: 1 photo"),
        (False, "by networks that learned from them: 1.png"),
    ],
)
def test_training_photos_are_counted_if_they_have_no_tag_too(label: str, out_of_fold: bool, said: str) -> None:
    shown = show(Path("1.png"), id="1", label=label, is_training=True, out_of_fold=out_of_fold)
    assert said in shown
    assert "networks" not in show(Path("1.png"), id="1")


def test_paths_are_those_that_a_reader_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    shown = show(Path.cwd() / "photos" / "1.png", (Path.cwd() / "2.png", tmp_path / "3.png"))
    assert str(tmp_path / "here") not in shown
    assert all(each in shown for each in ("photos/1.png", "unreadable: 2.png", f"unreadable: {tmp_path / '3.png'}"))
