"""A training that is killed or interrupted anywhere, and started again, ends as one that never was."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from helpers.photos import Heard
from helpers.stopping import Stopping
from helpers.trainings_made import BATCH, PIXELS, TARGETS, TRAINED, far_apart, lesson, log_loss_of, network, troubled

from ensembler.errors import Interrupted
from ensembler.heads.jobs.keras_heads import build_head
from ensembler.inference.jobs.networks import join_head
from ensembler.members.fine_tuning.checkpoints import Checkpoints, TrainingState
from ensembler.members.fine_tuning.jobs.devices import Devices
from ensembler.members.fine_tuning.jobs.trainer import Trainer
from ensembler.options.phases import Phase

EACH_STEP = 1e-9
PHASES = (Phase("none", 2, 0.05), Phase("last:1", 1, 0.02), Phase("all", 2, 0.01, "train"))


class Killed(BaseException):
    """Stands for SIGKILL: nothing is done after it."""


class Deadly(Checkpoints):
    """Kills the training when it would write its last checkpoint but so many; afterwards, if that is ``written``."""

    def __init__(self, path: Path, minutes: float | None, lives: int, *, written: bool) -> None:
        super().__init__(path, "me", minutes)
        self.lives = lives
        self.written = written

    def save(self, state: TrainingState) -> None:
        self.lives -= 1
        if self.lives or self.written:
            super().save(state)
        if not self.lives:
            raise Killed


def with_dropout() -> Any:
    keras.utils.set_random_seed(3)
    plain = network()
    _, backbone, _ = plain.layers
    kernel = np.random.default_rng(1).normal(size=(backbone.output_shape[-1], 1)).astype("f4") / 10
    return join_head(backbone, build_head(kernel, np.zeros(1, "f4"), multiclass=False, dropout=0.4), "member")


def judged(model: Any) -> dict[str, float]:
    """Watched rows on which the first epochs are the best ones."""
    probabilities = np.clip(np.asarray(model(PIXELS[20:].astype("f4"), training=False)), 1e-7, 1 - 1e-7)
    labels = 1 - TARGETS[20:]
    watched = float(-np.mean(labels * np.log(probabilities) + (1 - labels) * np.log(1 - probabilities)))
    return {"validation": watched, **log_loss_of(model)}


CASES: dict[str, dict[str, Any]] = {
    "dropout": {"build": with_dropout, "ema": 0.9, "clip_norm": 1.0, "weight_decay": 0.01},
    "patience": {"evaluate": judged, "patience": 2, "ema": 0.9, "phases": (replace(TRAINED, epochs=6), *PHASES)},
    "phases": {"phases": PHASES, "first_block_rate": 0.1},
    "little memory": {"most": 8, "ema": 0.9},
    "no numbers": {"build": troubled(numbers=lambda dtype: dtype == "float32"), "precision": "bfloat16"},
    "loss scale": {"precision": "float16"},
}


def start(progress: Heard, checkpoints: Checkpoints, case: str) -> Trainer:
    return Trainer(
        lesson(**CASES[case]), Devices(data_parallel=False, batch_size=BATCH, progress=progress), progress, checkpoints
    )


@functools.cache
def unbroken(case: str) -> tuple[list[dict[str, Any]], Any]:
    training = start(Heard(), Checkpoints(None), case)
    model = training.run()
    return training.history, model


def assert_same(training: Trainer, model: Any, case: str) -> None:
    history, expected = unbroken(case)
    assert far_apart(expected, model) == 0
    for mine, theirs in zip(training.history, history, strict=True):
        for name in mine.keys() - {"seconds", "photos_a_second", "memory", "gpu_memory"}:
            same = mine[name] == theirs[name]
            assert same or math.isclose(mine[name], theirs[name], rel_tol=1e-5), name


def broken(path: Path, minutes: float | None, case: str, lives: Callable[[int], int], *, written: bool) -> Any:
    """Start again until it ends; the run with each number has so many lives."""
    for run in range(100):
        checkpoints = Deadly(path, minutes, lives(run), written=written)
        training = start(Heard(), checkpoints, case)
        try:
            return training, training.run(), run
        except Killed:
            continue
    raise AssertionError("It makes no progress.")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.slow
def test_killed_at_steps_and_started_again(case: str, tmp_path: Path) -> None:
    """Each run loses its last checkpoint; they end within epochs and between them."""
    training, model, kills = broken(tmp_path / "a.npz", EACH_STEP, case, lambda run: 3 + 4 * run, written=False)
    assert kills >= 2
    assert_same(training, model, case)


def test_killed_after_each_epoch_and_started_again(tmp_path: Path) -> None:
    case = "dropout"
    training, model, kills = broken(tmp_path / "a.npz", None, case, lambda _: 1, written=True)
    assert kills == len(training.history)
    assert_same(training, model, case)


@pytest.mark.parametrize("looks", [0, 2, 5])
def test_an_interruption_finishes_the_step_and_saves(looks: int, tmp_path: Path) -> None:
    case, path = "dropout", tmp_path / "a.npz"
    places = []
    for _ in range(3):
        training = start(Stopping(looks), Checkpoints(path, "me"), case)
        try:
            model = training.run()
            break
        except Interrupted as error:
            places.append(str(error))
            looks = looks + 2 if len(places) == 1 else 1000
    assert places[0].startswith("Interrupted in epoch ")
    assert places[0].endswith(" of 3 of m, fold 0; run the same command again to resume.")
    assert_same(training, model, case)


@pytest.mark.slow
def test_a_finished_training_only_predicts_again(tmp_path: Path) -> None:
    """What comes after the epochs may be cut off too."""
    first = start(Heard(), Checkpoints(tmp_path / "a.npz", "me", minutes=60), "patience")
    model = first.run()
    heard = Heard()
    again = start(heard, Checkpoints(tmp_path / "a.npz", "me", minutes=60), "patience")
    assert far_apart(model, again.run()) == 0
    assert again.history == first.history
    assert heard.steps == heard.totals[0] or first.history[-1]["epoch"] < 6


@pytest.mark.slow
def test_a_checkpoint_that_does_not_fit_the_network_is_told(tmp_path: Path) -> None:
    start(Heard(), Checkpoints(tmp_path / "a.npz", "me"), "loss scale").run()
    heard = Heard()
    training = start(heard, Checkpoints(tmp_path / "a.npz", "me"), "dropout")
    assert training.history == []
    assert any("starts again" in warning for warning in heard.warnings)


def test_time_is_counted_over_all_runs(tmp_path: Path) -> None:
    _, _, kills = broken(tmp_path / "a.npz", EACH_STEP, "dropout", lambda run: 5, written=True)
    state = Checkpoints(tmp_path / "a.npz", "me").load(Heard())
    assert kills
    assert state is not None
    assert state.seconds > sum(row["seconds"] for row in state.history) > 0
