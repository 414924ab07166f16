"""The file that keeps how far a training is."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from helpers.photos import Heard, truncate

from ensembler.errors import StorageError
from ensembler.members.fine_tuning.checkpoints import Checkpoints, TrainingSnapshot, TrainingState
from ensembler.serialization import write_arrays

RANDOM = np.random.default_rng(0)


def moment() -> TrainingSnapshot:
    variables = [RANDOM.normal(size=(3, 2)).astype("f4"), np.array([7, 2**32 - 1], "u4"), np.float32(0.5)]
    return TrainingSnapshot(
        variables, {"0": RANDOM.normal(size=4), "updates": np.asarray(12), "dynamic_scale": np.float32(2)}
    )


def state(**changes: object) -> TrainingState:
    history = [{"phase": "all", "training_loss": 0.1 + 0.2, "val_log_loss": "", "epoch": 1}]
    return TrainingState(1, 2, 3, 0.3, 1.5, 9.25, 4, True, 1 / 3, 1, history, moment(), **changes)


def assert_same(one: object, other: object) -> None:
    if isinstance(one, TrainingSnapshot):
        assert_same(list(one.variables), list(other.variables))
        assert one.optimizer.keys() == other.optimizer.keys()
        assert_same(list(one.optimizer.values()), [other.optimizer[key] for key in one.optimizer])
    elif isinstance(one, list) and one and not isinstance(one[0], dict):
        for a, b in zip(one, other, strict=True):
            assert np.array_equal(a, b)
            assert np.asarray(a).dtype == np.asarray(b).dtype
    else:
        assert one == other


@pytest.mark.parametrize(
    "kept",
    [
        TrainingState(begin=moment()),
        state(),
        state(now=moment(), best_weights=moment().variables),
        state(now=moment()),
    ],
    ids=["fresh", "between epochs", "everything", "within an epoch"],
)
def test_a_state_comes_back_to_the_last_bit(kept: TrainingState, tmp_path: Path) -> None:
    heard = Heard()
    Checkpoints(tmp_path / "a" / "checkpoint.npz", "me").save(kept)
    read = Checkpoints(tmp_path / "a" / "checkpoint.npz", "me").load(heard)
    for field in fields(TrainingState):
        assert_same(getattr(kept, field.name), getattr(read, field.name))
    assert not heard.warnings


def test_a_checkpoint_of_the_version_before_is_read_under_the_names_of_today(tmp_path: Path) -> None:
    path, heard = tmp_path / "checkpoint.npz", Heard()
    arrays = state(now=moment()).to_arrays()
    figures = json.loads(str(arrays["figures"]))
    figures["parts"] = figures.pop("accumulation_steps")
    figures["careful"] = figures.pop("fp32_fallback")
    figures["behind"] = figures.pop("epochs_without_improvement")
    figures["history"] = [{"epoch": 1, "watched_log_loss": 0.25}]
    arrays["figures"] = np.array(json.dumps(figures))
    write_arrays(path, owner=np.array(json.dumps({"form": 2, "owner": "me"})), **arrays)
    read = Checkpoints(path, "me").load(heard)
    assert read is not None
    assert (read.accumulation_steps, read.fp32_fallback, read.epochs_without_improvement) == (4, True, 1)
    assert read.history == [{"epoch": 1, "val_log_loss": 0.25}]
    assert not heard.warnings


def test_there_is_none_of_a_fresh_or_a_finished_training_nor_of_another(tmp_path: Path) -> None:
    mine, heard = Checkpoints(tmp_path / "checkpoint.npz", "me"), Heard()
    assert mine.load(heard) is None
    mine.save(state())
    assert Checkpoints(tmp_path / "checkpoint.npz", "another").load(heard) is None
    mine.remove()
    assert mine.load(heard) is None
    assert not list(tmp_path.iterdir())
    assert not heard.warnings


def cut(path: Path) -> None:
    truncate(path)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    # Among the numbers of an array: a header of 128 bytes is before them.
    content[content.index(b"NUMPY", len(content) // 2) + 128] ^= 1
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def replace(path: Path) -> None:
    np.savez(path, other=np.zeros(3))


@pytest.mark.parametrize("damage", [cut, flip, empty, replace])
def test_a_damaged_one_is_left_alone_and_told(damage: object, tmp_path: Path) -> None:
    checkpoints, heard = Checkpoints(tmp_path / "checkpoint.npz", "me"), Heard()
    checkpoints.save(state(now=moment()))
    damage(tmp_path / "checkpoint.npz")
    assert checkpoints.load(heard) is None
    assert [warning.endswith("so this fold starts again.") for warning in heard.warnings] == [True]


def test_when_it_is_due() -> None:
    each_epoch = Checkpoints(None)
    assert each_epoch.is_due(between_epochs=True)
    assert not each_epoch.is_due(between_epochs=False)
    often, seldom = Checkpoints(None, minutes=1e-9), Checkpoints(None, minutes=60)
    for between_epochs in (True, False):
        assert often.is_due(between_epochs=between_epochs)
        assert not seldom.is_due(between_epochs=between_epochs)


def test_nowhere_nothing_is_kept() -> None:
    nowhere = Checkpoints(None)
    nowhere.save(state())
    nowhere.remove()
    assert nowhere.load(Heard()) is None


def test_what_the_disk_refuses_leaves_the_former_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints = Checkpoints(tmp_path / "checkpoint.npz", "me")
    checkpoints.save(state())
    before = (tmp_path / "checkpoint.npz").read_bytes()
    checkpoints_full = Checkpoints(tmp_path / "checkpoint.npz" / "below a file", "me")
    with pytest.raises(StorageError):
        checkpoints_full.save(state())
    assert (tmp_path / "checkpoint.npz").read_bytes() == before


def test_a_new_phase_forgets_the_former_ones_best() -> None:
    kept = state(now=moment(), best_weights=moment().variables)
    kept.start_phase(2)
    assert (kept.phase, kept.epoch, kept.step, kept.best, kept.epochs_without_improvement) == (2, 0, 0, math.inf, 0)
    assert (kept.begin, kept.now, kept.best_weights) == (None, None, None)
    assert len(kept.history) == 1
