"""Real trainings, killed by SIGKILL and started again; benchmarks/training_kills.py kills more of them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from helpers.training_kills import furthest_apart, left_over, train, train_through_kills
from helpers.two_classes import write_photos

from ensembler.paths import Workspace
from ensembler.workflows.fetch.adopt import adopt

FOLDS = 2
OPTIONS = {
    "members": ["demo-dense"],
    "folds": FOLDS,
    "weights": "none",
    "head": "fitted",
    "dropout": 0.3,
    "ema": 0.9,
    "epochs": 6,
    "batch_size": 8,
    "checkpoint_minutes": 0.001,
}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="jobs are found in /proc")
def test_three_kills_change_nothing(tmp_path: Path) -> None:
    random.seed(0)
    photos = write_photos(tmp_path / "photos", 60, told=True)
    roots = [tmp_path / name for name in ("unbroken", "broken")]
    folders = []
    for root in roots:
        workspace = Workspace(root / "data", root / "submissions")
        adopt(photos, "made", workspace=workspace)
        folders.append(workspace.competition("made"))
    events = train(roots[0], OPTIONS).events
    kills: list[tuple[str, str]] = []

    def on_kill(stage: str, way: str) -> bool:
        kills.append((stage, way))
        return len(kills) < 3

    train_through_kills(roots[1], OPTIONS, events // 6, on_kill)
    assert len(kills) == 3
    assert furthest_apart(*folders, OPTIONS["members"], FOLDS) <= 1e-6
    assert not left_over(folders[1])
