"""The engine ``ray`` beside ``local``: the same predictions, the time on one and two nodes, and the overhead of a job.

The nodes are simulated on this machine, so each gets half of its processors: two nodes are at best twice as fast as
one. ``--jobs N`` is the number of tiny jobs, and ``--folds N`` that of the folds of each of the two members. 0 leaves
out that part.

    python benchmarks/ray_cluster.py
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np
from helpers.photos import write_photo
from helpers.ray_clusters import start_cluster

from ensembler.engines.engine import Engine
from ensembler.engines.job import Job, Needs
from ensembler.engines.local import LocalEngine
from ensembler.engines.ray.engine import RayEngine
from ensembler.paths import Workspace
from ensembler.progress import SILENT
from ensembler.workflows.fetch.adopt import adopt
from ensembler.workflows.train.train import train_members

ROOT = Path(__file__).resolve().parents[1]
PHOTOS = 60
# A network that trains each fold in a job of its own, which the tiny networks of the demo do not.
BACKBONES = ["small=helpers.small_backbone:build,size=32", "wide=helpers.small_backbone:build_wide,size=32"]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=3)
    asked = parser.parse_args()
    # The processes of jobs import the package and the backbones from here.
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    share = max(1, (os.cpu_count() or 2) // 2)
    with tempfile.TemporaryDirectory() as folder:
        if asked.folds:
            compare_trainings(Path(folder), asked, share)
        if asked.jobs:
            with start_cluster(*[{"num_cpus": share}] * 2) as cluster:
                measure_overhead(cluster.address, Path(folder), asked.jobs)


def compare_trainings(root: Path, asked: argparse.Namespace, share: int) -> None:
    """Train on this machine, on one node and on two."""
    local = train(root / "local", asked, job_processors=share)
    one = local
    for count in (1, 2):
        with start_cluster(*[{"num_cpus": share}] * count) as cluster:
            machines = {"engine": "ray", "ray_address": cluster.address, "job_processors": share}
            there = train(root / f"nodes-{count}", asked, **machines)
        report(f"{count} nodes", there, local)
        one = one if count > 1 else there
    print(f"2 nodes    {there[1] / one[1]:7.2f} times as long as 1 node", flush=True)


def train(root: Path, asked: argparse.Namespace, **machines: Any) -> tuple[dict[str, np.ndarray], float]:
    """Fine-tune two members, and return all predictions and the seconds."""
    for row in range(PHOTOS):
        write_photo(root / "photos" / "ab"[row % 2] / f"{row}.png", row, (32, 32))
    workspace = Workspace(root / "data", root / "submissions")
    adopt(root / "photos", "made", workspace=workspace)
    began = time.perf_counter()
    train_members(
        ["small", "wide"],
        backbones=BACKBONES,
        weights="none",
        unfreeze="all",
        epochs=asked.epochs,
        folds=asked.folds,
        runtime="keras",
        workspace=workspace,
        **machines,
    )
    seconds = time.perf_counter() - began
    print(f"{root.name:10} {seconds:7.1f} s for 2 members x {asked.folds} folds", flush=True)
    found = {}
    for path in sorted((workspace.competition("made").root / "members").rglob("predictions.npz")):
        with np.load(path) as arrays:
            found |= {f"{path.parent.parent.name} {path.parent.name} {name}": arrays[name] for name in arrays.files}
    return found, seconds


def report(title: str, there: tuple[dict[str, np.ndarray], float], local: tuple[dict[str, np.ndarray], float]) -> None:
    """Print the ratio of times, and whether the predictions are the same to the bit."""
    same = there[0].keys() == local[0].keys() and all(
        np.array_equal(there[0][name], array) for name, array in local[0].items()
    )
    print(f"{title:10} {there[1] / local[1]:7.2f} times as long as local; the same predictions: {same}", flush=True)


def measure_overhead(address: str, root: Path, count: int) -> None:
    """Print the seconds of tiny jobs on both engines with the same number of slots."""
    jobs = [
        Job(f"double-{number}", "helpers.job_functions:double", {"number": number}, needs=Needs(processors=1))
        for number in range(count)
    ]
    engines: list[tuple[str, Engine]] = [("local", LocalEngine()), ("ray", RayEngine(address, SILENT))]
    seconds = {}
    for name, engine in engines:
        with engine:
            began = time.perf_counter()
            assert engine.run_jobs(jobs, root / f"logs-{name}", SILENT) == [2 * number for number in range(count)]
            seconds[name] = time.perf_counter() - began
            print(f"{name:10} {1000 * seconds[name] / count:7.0f} ms for each of {count} tiny jobs", flush=True)
    print(f"overhead   {1000 * (seconds['ray'] - seconds['local']) / count:7.0f} ms for each job", flush=True)


if __name__ == "__main__":
    main()
