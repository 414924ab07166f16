"""Kill ``train-members`` at random moments, and compare the results: ``training_kills.py --kills 20``.

Small networks are trained on generated photos: heads on a frozen backbone, and fine-tuning with every ingredient that
has a state (averaged weights, dropout, augmentation, patience, phases, a fitted head), with a checkpoint per epoch or
every few steps. Kills hit the parent process, one job, or all processes. A killed run is started again until one ends
by itself. Then its predictions must equal those of an uninterrupted run.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from helpers.training_kills import WAYS, furthest_apart, left_over, train, train_through_kills

from ensembler.paths import Workspace
from ensembler.workflows.fetch.adopt import adopt

FOLDS = 3
MOST = 1e-6
FINE_TUNING: dict[str, Any] = {
    "weights": "none",
    "head": "fitted",
    "dropout": 0.3,
    "ema": 0.9,
    "augmentation": "strong",
    "patience": 2,
    "phases": ["none epochs=1 learning-rate=1e-3", "all epochs=4 learning-rate=1e-3 batch-norm=train"],
    "batch_size": 16,
}
TRAININGS: dict[str, dict[str, Any]] = {
    "heads": {"members": ["demo-conv", "demo-dense"], "weights": "none", "unfreeze": "none", "batch_size": 16},
    "fine-tuning": {"members": ["demo-separable"], **FINE_TUNING},
    "fine-tuning, checkpoints by time": {"members": ["demo-conv"], **FINE_TUNING, "checkpoint_minutes": 0.002},
}


def make_photos(root: Path, photos: int) -> Path:
    """Generate photos of noise in two classes, one of which is brighter."""
    random_pixels = np.random.default_rng(0)
    for row in range(photos):
        pixels = random_pixels.integers(0, 180, (16, 16, 3)) + 40 * (row % 2)
        place = root / "ab"[row % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(place / f"{row}.png")
    return root


def stage_of(label: str) -> str:
    """Return the stage of a task, without the name of its job."""
    words = ("start-up", "frozen features", "heads", "fine-tune", "predict")
    return next((word for word in words if word in label), label)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    random.seed(asked.seed)
    kills: Counter[tuple[str, str]] = Counter()
    trainings, largest, remains = 0, 0.0, 0
    with tempfile.TemporaryDirectory() as home:
        photos = make_photos(Path(home) / "photos", asked.photos)

        def made(name: str) -> tuple[Path, Workspace]:
            root = Path(home) / name
            workspace = Workspace(root / "data", root / "submissions")
            adopt(photos, "made", workspace=workspace)
            return root, workspace

        right = {}
        for name, options in TRAININGS.items():
            root, workspace = made(f"unbroken {name}")
            began = time.monotonic()
            right[name] = workspace.competition("made"), train(root, {**options, "folds": FOLDS}).events
            print(f"{name}: an uninterrupted run takes {time.monotonic() - began:.1f} s", flush=True)

        def on_kill(stage: str, way: str) -> bool:
            kills[stage_of(stage), way] += 1
            return kills.total() < asked.kills

        while kills.total() < asked.kills:
            name = list(TRAININGS)[trainings % len(TRAININGS)]
            root, workspace = made(str(trainings))
            unbroken, events = right[name]
            train_through_kills(root, {**TRAININGS[name], "folds": FOLDS}, events // 2, on_kill)
            there = workspace.competition("made")
            difference = furthest_apart(there, unbroken, TRAININGS[name]["members"], FOLDS)
            print(f"{name}: {kills.total()} kills so far, difference {difference:.3g}", flush=True)
            trainings, largest, remains = trainings + 1, max(largest, difference), remains + len(left_over(there))
    print(f"{asked.photos} photos, {os.cpu_count()} processors")
    print(f"{kills.total()} kills of {trainings} trainings, each started again until it ended by itself")
    print(f"  {'killed while':<20}" + "".join(f"{way:>12}" for way in WAYS))
    for stage in sorted({stage for stage, _ in kills}):
        print(f"  {stage:<20}" + "".join(f"{kills[stage, way]:>12}" for way in WAYS))
    print(f"largest difference from an uninterrupted run  {largest:.3g}")
    print(f"files left over                               {remains}")
    sys.exit(bool(largest > MOST or remains))


if __name__ == "__main__":
    main()
