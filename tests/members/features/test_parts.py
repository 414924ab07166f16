"""Features of rows in any order, kept by runs that end at any time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.photos import Heard, truncate

from ensembler.members.features import parts as feature_parts
from ensembler.members.features.parts import FeatureParts, open_features

TOTAL, WIDTH, BATCH = 23, 3, 5
FEATURES = np.random.default_rng(0).normal(size=(TOTAL, WIDTH)).astype("f4")
ORDER = np.random.default_rng(1).permutation(TOTAL)


def compute(path: Path, batches: int, heard: Heard | None = None) -> FeatureParts:
    """Go on for so many batches, in an order that is not that of the file."""
    parts = FeatureParts(path, TOTAL, heard or Heard())
    missing = ORDER[~parts.known[ORDER]]
    for start in range(0, min(len(missing), batches * BATCH), BATCH):
        rows = missing[start : start + BATCH]
        parts.add(rows, FEATURES[rows])
    return parts


@pytest.fixture
def after_each_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_parts, "WRITE_SECONDS", 0.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "whole.npy"


def test_nothing_is_written_before_it_is_time(path: Path) -> None:
    compute(path, 3)
    assert not list(path.parent.iterdir())


@pytest.mark.usefixtures("after_each_batch")
@pytest.mark.parametrize("batches", [1, 2, 4])
def test_a_killed_run_goes_on_with_the_same_bytes_in_the_end(batches: int, path: Path) -> None:
    runs = 0
    while not (parts := compute(path, batches)).known.all():
        runs += 1
        assert parts.known.sum() == min(TOTAL, runs * batches * BATCH)
    parts.finish()
    unbroken = path.with_name("unbroken.npy")
    compute(unbroken, 5).finish()
    assert path.read_bytes() == unbroken.read_bytes()
    assert np.array_equal(np.load(path), FEATURES)
    assert {each.name for each in path.parent.iterdir()} == {"whole.npy", "unbroken.npy"}


@pytest.mark.usefixtures("after_each_batch")
@pytest.mark.parametrize("lost", ["missing", "cut", "of another form", "of other photos"])
def test_a_part_that_is_missing_or_damaged_is_computed_again(lost: str, path: Path) -> None:
    compute(path, 3)
    part = sorted(path.with_name("whole.npy.parts").glob("*.npz"))[1]
    if lost == "missing":
        part.unlink()
    elif lost == "cut":
        truncate(part)
    elif lost == "of another form":
        np.savez(part, features=FEATURES[:BATCH])
    else:
        np.savez(part, features=FEATURES[:BATCH], rows=np.arange(BATCH) + TOTAL)
    heard = Heard()
    again = FeatureParts(path, TOTAL, heard)
    assert again.known.sum() == 2 * BATCH
    assert len(heard.warnings) == (lost != "missing")
    # What is written anew must not take the place of a part that is whole.
    compute(path, 5).finish()
    assert np.array_equal(np.load(path), FEATURES)


def test_an_interruption_writes_what_has_gathered(path: Path) -> None:
    compute(path, 2).write()
    assert open_features(path, TOTAL).known.sum() == 2 * BATCH


@pytest.mark.usefixtures("after_each_batch")
def test_rows_are_read_in_any_order_before_and_after_all_are_known(path: Path) -> None:
    parts = compute(path, 3)
    rows = ORDER[: 3 * BATCH][::-1]
    assert np.array_equal(parts.read_rows(rows), FEATURES[rows])
    with pytest.raises(RuntimeError, match="not known"):
        parts.read_rows(ORDER)
    parts.finish()
    # Not all rows are known, so there is no finished file yet.
    assert not path.exists()
    assert np.array_equal(open_features(path, TOTAL).read_rows(rows), FEATURES[rows])
    compute(path, 5).finish()
    whole = open_features(path, TOTAL)
    assert whole.known.all()
    assert np.array_equal(whole.read_rows(ORDER), FEATURES[ORDER])
    whole.finish()
