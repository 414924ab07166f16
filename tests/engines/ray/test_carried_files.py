"""Jobs on a Ray cluster whose nodes share no folder with the driver."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from helpers.photos import Heard
from helpers.ray_clusters import kill_node, start_cluster, wait_until

from ensembler.engines.job import Job, Needs
from ensembler.events import EpochBegan, JobBegan, Warned
from ensembler.job_files import JobFiles

pytest.importorskip("ray")
from ensembler.engines.ray.engine import RayEngine

pytestmark = pytest.mark.slow
TESTS = Path(__file__).parents[2]


def test_a_lost_node_costs_at_most_one_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import psutil

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TESTS.parent), str(TESTS)]))
    monkeypatch.setenv("ENSEMBLER_NODE_FOLDER", str(tmp_path / "node"))
    fold, logs = tmp_path / "fold 0", tmp_path / "logs"
    fold.mkdir()
    (fold / "train.csv").write_text("photos")
    files = JobFiles(reads=(str(fold),), writes=(str(fold),))
    job = Job(
        "m",
        "helpers.job_functions:count_epochs",
        {"folder": str(fold), "epochs": 4},
        needs=Needs(processors=1),
        files=lambda: files,
    )
    heard = Heard()
    killed: list[int] = []

    def kill() -> None:
        # The checkpoint of the second epoch arrives while the third is trained.
        checkpoint = fold / "checkpoint.txt"
        wait_until(lambda: checkpoint.is_file() and checkpoint.read_text() == "2", 45)
        process = psutil.Process(heard.of_kind(JobBegan)[-1].process)
        above = {parent.pid for parent in process.parents()}
        [lost] = [node for node in nodes if node.all_processes["raylet"][0].process.pid in above]
        killed.append(process.pid)
        kill_node(lost)

    class Killer(Heard):
        def emit(self, event: Any) -> None:
            heard.emit(event)
            if isinstance(event, EpochBegan) and event.overall == 3 and not thread.ident:
                thread.start()

    thread = Thread(target=kill)
    with start_cluster({"num_cpus": 1}, {"num_cpus": 1}) as cluster:
        nodes = list(cluster.worker_nodes)
        with RayEngine(cluster.address, heard, shared_folder=False) as engine:
            assert engine.run_jobs([job], logs, Killer()) == [[2, 3]]
    thread.join()
    assert killed
    assert len(heard.of_kind(Warned)) == 1
    assert sorted(path.name for path in fold.iterdir()) == ["model.txt", "train.csv"]
    assert (fold / "model.txt").read_text() == "photos after 4 epochs"
    assert (logs / "m.log").is_file()
