"""Time and memory of stacking many rows with generated members: ``python benchmarks/stack_scale.py``.

Each line runs in its own process, which fits the meta-learner on all rows and scores it by nested folds. Predictions
are memory-mapped from disk. Networks and photos are not used.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from ensembler.competition.metrics.metrics import log_loss
from ensembler.heads.links import compute_log_odds, compute_probabilities
from ensembler.stacking.calibration import CalibratedMetaLearner
from ensembler.stacking.learners.base import fit_on_targets
from ensembler.stacking.learners.named import make_meta_learner
from ensembler.stacking.nested import predict_nested

# Rows, members, outputs, and limits in seconds and gigabytes.
SIZES = {"binary": (1_000_000, 10, 1, 60, 2.0), "classes": (100_000, 6, 120, 90, 3.0)}


def make(folder: Path, rows: int, members: int, outputs: int) -> None:
    """Write members' probabilities and targets in parts, which needs little memory."""
    exclusive = outputs > 1
    paths = [folder / f"{member}.npy" for member in range(members)]
    arrays = [np.lib.format.open_memmap(path, "w+", np.float32, (rows, outputs)) for path in paths]
    targets = np.lib.format.open_memmap(folder / "targets.npy", "w+", np.float32, (rows, outputs))
    random = np.random.default_rng(0)
    for first in range(0, rows, 20_000):
        scores = random.normal(0, 3, (min(20_000, rows - first), outputs)).astype(np.float32)
        part = slice(first, first + len(scores))
        if exclusive:
            choice = (scores + random.gumbel(size=scores.shape)).argmax(axis=1)
            targets[part] = np.eye(outputs, dtype=np.float32)[choice]
        else:
            targets[part] = random.random(scores.shape) < compute_probabilities(scores, multiclass=False)
        for member, array in enumerate(arrays):
            seen = scores + random.normal(0, 0.5 + 0.3 * member, scores.shape)
            array[part] = compute_probabilities(seen, multiclass=exclusive)


def measure(folder: Path, name: str, members: int) -> None:
    """Print seconds, peak memory, and log losses of the best member and of the stack."""
    arrays = [np.load(folder / f"{member}.npy", mmap_mode="r") for member in range(members)]
    targets = np.load(folder / "targets.npy", mmap_mode="r")
    exclusive = targets.shape[1] > 1
    folds = np.arange(len(targets)) % 5
    began = time.monotonic()
    X = compute_log_odds(arrays, multiclass=exclusive)
    learner = CalibratedMetaLearner(make_meta_learner(name))
    nested = predict_nested(learner, X, targets, folds, multiclass=exclusive).calibrated
    fit_on_targets(learner, X, targets, folds, multiclass=exclusive)
    seconds = time.monotonic() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    best = min(log_loss(targets, one, multiclass=exclusive) for one in arrays)
    stack = log_loss(targets, nested, multiclass=exclusive)
    print(json.dumps({"seconds": seconds, "peak": peak, "best": best, "stack": stack}))


def main() -> None:
    """Measure each size and meta-learner in its own process, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meta", default="dense,greedy")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        measure(Path(arguments.one[0]), arguments.one[1], int(arguments.one[2]))
        return
    print("size      rows       members  outputs  meta    seconds  limit  peak GB  limit  best member  stack")
    for size, (rows, members, outputs, limit, memory) in SIZES.items():
        with tempfile.TemporaryDirectory() as folder:
            make(Path(folder), rows, members, outputs)
            for name in arguments.meta.split(","):
                command = [sys.executable, __file__, "--one", folder, name, str(members)]
                found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                print(
                    f"{size:9} {rows:<10,} {members:<8} {outputs:<8} {name:7} {found['seconds']:7.1f}  {limit:5}  "
                    f"{found['peak']:7.2f}  {memory:5}  {found['best']:11.4f}  {found['stack']:.4f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
