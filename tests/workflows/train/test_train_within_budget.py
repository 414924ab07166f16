"""A real training within a budget, in real processes; its speeds are planted, so that nothing is measured."""

from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from helpers.members_made import small_competition

from ensembler.cli.main import commands
from ensembler.inference.speeds import NetworkSpeed, PhaseSpeed, TrainingSpeed
from ensembler.serialization import read_json
from ensembler.workflows.train import budget as budgeting

EPOCHS, FOLDS, BUDGET = 3000, 2, 30.0
MEMBER = "demo-dense"


def plant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have speeds ready as if they had been measured: several times as fast as it is, to be corrected on the way."""
    training = TrainingSpeed(6.0, 0.5, 0.5, 1.0, 1e-4, 1e-4, 1e-4, 1e-3, (PhaseSpeed(1e-4, 0.01, 2.0),))
    speed = NetworkSpeed(batch_size=32, device="", threads=1, host="", training=training)
    monkeypatch.setattr(budgeting, "read_speed", lambda _: speed)


@pytest.mark.slow
def test_a_call_ends_in_time_with_all_predictions_and_a_second_one_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = small_competition(tmp_path)
    folder.folds.unlink()
    plant(monkeypatch)
    typed = ["--data", str(tmp_path / "data"), "--submissions", str(tmp_path / "submissions"), "train-members"]
    typed += ["--members", MEMBER, "--folds", str(FOLDS), "--weights", "none"]
    typed += ["--epochs", str(EPOCHS), "--time-budget", f"{BUDGET:.0f}s"]
    began = time.monotonic()
    ended = CliRunner().invoke(commands, typed, catch_exceptions=False)
    seconds = time.monotonic() - began
    assert ended.exit_code == 0
    assert re.search(rf"{MEMBER}: \d+(\.\d)? of 3000 epochs, 2 folds, 8 pixels", ended.stderr)
    for fold in range(FOLDS):
        place = folder.fold(MEMBER, fold)
        history = pd.read_csv(place / "history.csv")
        assert 1 <= history["share"].sum() < EPOCHS
        assert read_json(place / "fold.json")["epochs"] == pytest.approx(history["share"].sum(), abs=0.01)
        predictions = np.load(place / "predictions.npz")
        assert np.isfinite(predictions["test"]).all()
        assert len(predictions["held_out"]) == 12
    began = time.monotonic()
    assert CliRunner().invoke(commands, typed, catch_exceptions=False).exit_code == 0
    assert time.monotonic() - began < 5
    in_time = 0.85 * BUDGET < seconds < 1.1 * BUDGET
    start_up = re.search(r"start-up: 1 in ([\d.]+) s", ended.stderr)
    if not in_time and start_up and float(start_up[1]) > BUDGET / 3:
        pytest.skip(f"{seconds:.1f} s: the machine is so busy that what cannot be cut takes too much of the budget.")
    assert in_time, seconds
