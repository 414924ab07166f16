"""Training on a Ray cluster gives the files of this machine, whatever is killed meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.jobs_here import replace_local_engine
from helpers.members_made import small_competition
from helpers.photos import Heard
from helpers.ray_clusters import add_node, kill_node, start_cluster, wait_until

from ensembler.events import EpochBegan, Event, JobBegan, Warned
from ensembler.paths import Workspace
from ensembler.workflows.predict import predict
from ensembler.workflows.stack import stack
from ensembler.workflows.train.train import train_members

pytest.importorskip("ray")

pytestmark = pytest.mark.slow
TESTS = Path(__file__).parents[2]
EPOCHS = 12
OPTIONS: dict[str, Any] = {"weights": "none", "epochs": EPOCHS, "image_size": 8, "runtime": "keras"}
COMMAND = ["train-members", "--members", "demo-conv", "-c", "made", "--weights", "none", "--epochs", str(EPOCHS)]
COMMAND += ["--image-size", "8", "--runtime", "keras"]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(TESTS.parent), str(TESTS)]))
        with start_cluster({"num_cpus": 2}, {"num_cpus": 2}) as started:
            yield started


def make_workspace(root: Path) -> Workspace:
    small_competition(root)
    return Workspace(root / "data", root / "submissions")


def read_predictions(workspace: Workspace) -> dict[str, np.ndarray]:
    """All arrays of all members."""
    members = workspace.competition("made").root / "members"
    found = {}
    for path in sorted(members.rglob("predictions.npz")):
        with np.load(path) as arrays:
            found |= {f"{path.relative_to(members)} {name}": arrays[name] for name in arrays.files}
    return found


def assert_same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert found.keys() == expected.keys()
    different = [name for name in expected if not np.array_equal(found[name], expected[name])]
    assert different == []


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    workspace = make_workspace(tmp_path_factory.mktemp("local"))
    train_members(["demo-conv", "demo-dense"], workspace=workspace, **OPTIONS)
    return read_predictions(workspace)


def select(expected: dict[str, np.ndarray], member: str) -> dict[str, np.ndarray]:
    return {name: array for name, array in expected.items() if name.startswith(f"{member}/")}


@pytest.mark.parametrize("shared_folder", [True, False], ids=["shared folder", "no shared folder"])
def test_the_same_seed_gives_the_same_predictions_on_two_nodes(
    shared_folder: bool, cluster: Any, expected: dict[str, np.ndarray], tmp_path: Path
) -> None:
    heard = Heard()
    workspace = make_workspace(tmp_path)
    machines = {"engine": "ray", "ray_address": cluster.address, "shared_folder": shared_folder, "job_processors": 1}
    results = train_members(["demo-conv", "demo-dense"], workspace=workspace, progress=heard, **machines, **OPTIONS)
    assert [result.name for result in results] == ["demo-conv", "demo-dense"]
    assert_same(read_predictions(workspace), expected)
    assert heard.of_kind(Warned) == []
    assert {path.name for path in workspace.competition("made").logs.glob("*.log")} == {
        "demo-conv.log",
        "demo-dense.log",
    }


def test_a_lost_node_costs_one_epoch(cluster: Any, expected: dict[str, np.ndarray], tmp_path: Path) -> None:
    class Killer(Heard):
        def emit(self, event: Event) -> None:
            super().emit(event)
            epochs = self.of_kind(EpochBegan)
            if len(epochs) == EPOCHS // 2 and not killed:
                killed.append(find_node(cluster, self.of_kind(JobBegan)[0].process))
                kill_node(killed[0])

    killed: list[Any] = []
    heard = Killer()
    workspace = make_workspace(tmp_path)
    try:
        train_members(
            ["demo-conv"], workspace=workspace, progress=heard, engine="ray", ray_address=cluster.address, **OPTIONS
        )
    finally:
        cluster.remove_node(killed[0], allow_graceful=False)
        add_node(cluster, num_cpus=2)
    assert_same(read_predictions(workspace), select(expected, "demo-conv"))
    [warning] = heard.of_kind(Warned)
    assert "demo-conv is started again (1 of at most 3 times), because " in warning.text
    assert len(heard.of_kind(JobBegan)) == 2
    folds = 3
    assert folds * EPOCHS <= len(heard.of_kind(EpochBegan)) <= folds * EPOCHS + 1


def find_node(cluster: Any, process: int) -> Any:
    """The node on which a process runs."""
    import psutil

    above = {parent.pid for parent in psutil.Process(process).parents()}
    return next(node for node in cluster.worker_nodes if node.all_processes["raylet"][0].process.pid in above)


@pytest.mark.parametrize("engines", [("ray", "local"), ("local", "ray")], ids=" then ".join)
def test_after_the_driver_was_killed_the_same_command_goes_on_with_either_engine(
    engines: tuple[str, str], cluster: Any, expected: dict[str, np.ndarray], tmp_path: Path
) -> None:
    workspace = make_workspace(tmp_path)
    first, second = (tmp_path / f"{number}.jsonl" for number in range(2))
    driver = start_command(workspace, first, engines[0], cluster)
    wait_until(lambda: read_epochs(first) >= EPOCHS // 2)
    os.kill(driver.pid, signal.SIGKILL)
    driver.communicate(timeout=60)
    again = start_command(workspace, second, engines[1], cluster)
    _, errors = again.communicate(timeout=120)
    assert again.returncode == 0, errors
    assert_same(read_predictions(workspace), select(expected, "demo-conv"))
    # Epochs that the job finished after the driver was killed are in no file of events.
    assert read_epochs(first) + read_epochs(second) <= 3 * EPOCHS + 1


def start_command(workspace: Workspace, events: Path, engine: str, cluster: Any) -> subprocess.Popen[str]:
    places = ["--data", str(workspace.data), "--submissions", str(workspace.submissions), "--events", str(events)]
    machines = ["--engine", engine, *(["--ray-address", cluster.address] if engine == "ray" else [])]
    words = [sys.executable, "-m", "ensembler", *places, *COMMAND, *machines]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def read_epochs(events: Path) -> int:
    if not events.exists():
        return 0
    lines = events.read_text("utf-8").splitlines()
    return sum(json.loads(line)["event"] == "epoch_began" for line in lines if line.endswith("}"))


def test_a_stack_is_built_and_predicts_on_the_cluster(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Jobs of this machine run in this process, which saves their start.
    replace_local_engine(monkeypatch)
    workspace = make_workspace(tmp_path)
    options = {**OPTIONS, "epochs": 1}
    train_members(["demo-conv", "demo-dense"], workspace=workspace, **options)
    machines: dict[str, Any] = {"engine": "ray", "ray_address": cluster.address, "workspace": workspace}
    result = stack(["demo-conv", "demo-dense"], name="both", meta="mean", **machines)
    assert result.difference < 1e-5
    photos = sorted((tmp_path / "photos" / "a").glob("*.png"))
    there = predict(photos, stack="both", **machines)
    here = predict(photos, stack="both", workspace=workspace)
    assert np.allclose(there.probabilities, here.probabilities, atol=1e-6)
    assert not list(workspace.data.glob(".predict-*"))
