from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from photos import Heard, truncate

from ensembler.members import feature_parts
from ensembler.members.feature_parts import FeatureParts

ROWS = np.random.default_rng(0).normal(size=(2, 23, 3)).astype("f4")
BATCH = 5


def paths(folder: Path) -> list[Path]:
    return [folder / "whole.npy", folder / "mirrored.npy"]


def compute(folder: Path, batches: int, heard: Heard | None = None) -> tuple[int, FeatureParts]:
    """Go on for so many batches; return the row that was begun with."""
    parts = FeatureParts(paths(folder), heard or Heard())
    begun = parts.rows
    for start in range(begun, min(23, begun + batches * BATCH), BATCH):
        parts.add([rows[start : start + BATCH] for rows in ROWS])
    return begun, parts


@pytest.fixture
def after_each_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_parts, "EVERY", 0.0)


def test_nothing_is_written_before_it_is_time(tmp_path: Path) -> None:
    compute(tmp_path, 3)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("after_each_batch")
@pytest.mark.parametrize("batches", [1, 2, 4])
def test_a_killed_run_goes_on_with_the_same_bytes_in_the_end(batches: int, tmp_path: Path) -> None:
    begun, parts, runs = 0, None, 0
    while begun < 23:
        begun, parts = compute(tmp_path / "broken", batches)
        assert begun == min(23, runs * batches * BATCH)
        runs += 1
    parts.finish()
    _, unbroken = compute(tmp_path / "unbroken", 5)
    unbroken.finish()
    for mine, theirs, rows in zip(paths(tmp_path / "broken"), paths(tmp_path / "unbroken"), ROWS, strict=True):
        assert mine.read_bytes() == theirs.read_bytes()
        assert np.array_equal(np.load(mine), rows)
    assert len(list((tmp_path / "broken").iterdir())) == 2


@pytest.mark.usefixtures("after_each_batch")
@pytest.mark.parametrize("lost", ["missing", "cut", "shorter"])
def test_a_part_that_is_missing_or_damaged_is_computed_again(lost: str, tmp_path: Path) -> None:
    compute(tmp_path, 3)
    part = tmp_path / "mirrored.npy.parts" / "000000010.npz"
    if lost == "missing":
        part.unlink()
    elif lost == "cut":
        truncate(part)
    else:
        np.savez(part, other=ROWS)
    heard = Heard()
    begun, parts = compute(tmp_path, 5, heard)
    parts.finish()
    assert begun == 10
    assert len(heard.warnings) == (lost != "missing")
    assert [np.array_equal(np.load(path), rows) for path, rows in zip(paths(tmp_path), ROWS, strict=True)] == [True] * 2


def test_an_interruption_writes_what_has_gathered(tmp_path: Path) -> None:
    _, parts = compute(tmp_path, 2)
    parts.write()
    assert compute(tmp_path, 0)[0] == 10
