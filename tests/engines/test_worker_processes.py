from __future__ import annotations

import dataclasses
import json
import os
from concurrent.futures import CancelledError
from pathlib import Path

import pytest

from ensembler import keras_backend
from ensembler.engines.job import Job
from ensembler.engines.worker_processes import WorkerProcesses

JOB = Job("double", "helpers.job_functions:double", {"number": 1})
ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*ONE_THREAD, "CUDA_VISIBLE_DEVICES", "TF_ENABLE_ONEDNN_OPTS"):
        monkeypatch.delenv(name, raising=False)


def read_added_environment(processes: WorkerProcesses) -> dict[str, str]:
    """Return the environment variables that differ from those of this process."""
    with processes.borrow_slot() as slot:
        return {name: value for name, value in slot.environment.items() if os.environ.get(name) != value}


@pytest.mark.parametrize(
    ("parallel", "gpus", "limit", "own"),
    [
        (1, (), 1, {}),
        (1000, (), 1000, ONE_THREAD),
        (1, ("0",), 1, {"CUDA_VISIBLE_DEVICES": "0"}),
        (1000, ("GPU-x",), 1, {"CUDA_VISIBLE_DEVICES": "GPU-x"}),
        (1, tuple(map(str, range(1000))), 1000, {"CUDA_VISIBLE_DEVICES": "0", **ONE_THREAD}),
    ],
    ids=["alone", "many", "one GPU", "GPUs set the limit", "many GPUs"],
)
def test_slots_share_the_machine(parallel: int, gpus: tuple[str, ...], limit: int, own: dict[str, str]) -> None:
    processes = WorkerProcesses(parallel, gpus)
    assert processes.limit == limit
    environment = read_added_environment(processes)
    assert environment["TF_ENABLE_ONEDNN_OPTS"] == "1"
    assert {name: environment[name] for name in environment if name in ONE_THREAD or name.startswith("CUDA")} == own


def test_the_users_variables_take_precedence_except_for_the_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    environment = read_added_environment(WorkerProcesses(1, ("3", "5")))
    assert "OMP_NUM_THREADS" not in environment
    assert "TF_ENABLE_ONEDNN_OPTS" not in environment
    assert environment["CUDA_VISIBLE_DEVICES"] == "3"


@pytest.mark.parametrize(
    ("chosen", "installed", "expected"),
    [("jax", True, "jax"), ("", True, "tensorflow"), ("jax", False, None), ("torch", True, None)],
)
def test_the_backend_is_chosen_for_all_processes(
    chosen: str, installed: bool, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", chosen)
    monkeypatch.setattr(keras_backend.find_backend, "__defaults__", (lambda _: object() if installed else None,))
    with WorkerProcesses(1).borrow_slot() as slot:
        assert slot.environment.get("KERAS_BACKEND") == (chosen if expected is None else expected)


def test_a_slot_is_borrowed_by_one_job_at_a_time_and_returned_after_an_error() -> None:
    processes = WorkerProcesses(1, ("a", "b"))
    with processes.borrow_slot() as first:
        with pytest.raises(ZeroDivisionError), processes.borrow_slot() as second:
            raise ZeroDivisionError
        with processes.borrow_slot() as third:
            pass
    assert [slot.environment["CUDA_VISIBLE_DEVICES"] for slot in (first, second, third)] == ["a", "b", "b"]


def test_none_is_started_after_the_kill(tmp_path: Path) -> None:
    with WorkerProcesses(2) as processes:
        with processes.run(JOB, tmp_path / "log") as running:
            processes.kill()
            assert running.wait(timeout=20) == -9
        with pytest.raises(CancelledError), processes.run(JOB, tmp_path / "log"):
            pass


@pytest.mark.parametrize(("shares", "waits"), [(True, True), (False, False)])
def test_a_process_that_may_be_shared_waits_for_the_next_job(shares: bool, waits: bool, tmp_path: Path) -> None:
    job = dataclasses.replace(JOB, shares_process=shares)
    with WorkerProcesses(1) as processes:
        with processes.run(job, tmp_path / "first") as first:
            pass
        assert (first.poll() is None) is waits
        with processes.run(job, tmp_path / "second") as second:
            assert (second is first) is waits
        assert (tmp_path / "second").is_file()
    assert first.poll() is not None
    assert second.poll() is not None


@pytest.mark.parametrize(("bytes_allowed", "stays"), [(10**12, True), (10**6, False)])
def test_a_process_that_has_grown_runs_no_other_job(
    bytes_allowed: int, stays: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    job = dataclasses.replace(JOB, shares_process=True)
    with WorkerProcesses(1, max_shared_bytes=bytes_allowed) as processes:
        results = []
        for number in (1, 2):
            with processes.run(dataclasses.replace(job, spec={"number": number}), tmp_path / "log") as process:
                assert process.stdout is not None
                lines = map(json.loads, process.stdout)
                results.append((process, next(line["result"] for line in lines if "result" in line)))
    assert [result for _, result in results] == [2, 4]
    assert (results[0][0] is results[1][0]) is stays
    assert all(process.poll() is not None for process, _ in results)


def test_a_process_whose_job_failed_runs_no_other_job(tmp_path: Path) -> None:
    job = dataclasses.replace(JOB, shares_process=True)
    with WorkerProcesses(1) as processes:
        with pytest.raises(ZeroDivisionError), processes.run(job, tmp_path / "log") as failed:
            raise ZeroDivisionError
        assert failed.poll() is not None
        with processes.run(job, tmp_path / "log") as other:
            assert other is not failed
