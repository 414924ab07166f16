from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from helpers.photos import Heard

from ensembler.engines.job import Job
from ensembler.engines.onednn import choice as known
from ensembler.engines.onednn import settle as onednn
from ensembler.engines.onednn.choice import OFF, ON, ONEDNN_VARIABLE, choose_setting, is_settled, write_measurement
from ensembler.engines.onednn.jobs.measure import time_network
from ensembler.engines.onednn.settle import MIN_WORK, settle_onednn
from ensembler.engines.worker_processes import WorkerProcesses
from ensembler.errors import JobFailed
from ensembler.paths import locate_user_cache
from ensembler.progress import Progress
from ensembler.serialization import write_json


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(ONEDNN_VARIABLE, raising=False)


def test_it_is_on_unless_it_was_measured_to_be_slower() -> None:
    assert (choose_setting(), is_settled()) == (ON, False)
    write_measurement({ON: 2.0, OFF: 1.0})
    assert (choose_setting(), is_settled()) == (OFF, True)
    write_measurement({ON: 1.0, OFF: 1.0})
    assert (choose_setting(), is_settled()) == (ON, True)


def test_processes_go_by_it_and_a_persons_variable_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    write_measurement({ON: 2.0, OFF: 1.0})

    def seen(**asked: Any) -> str:
        with WorkerProcesses(1, **asked) as processes, processes.borrow_slot() as slot:
            return slot.environment[ONEDNN_VARIABLE]

    assert seen() == OFF
    monkeypatch.setenv(ONEDNN_VARIABLE, ON)
    assert is_settled()
    assert seen() == ON
    assert seen(environment={ONEDNN_VARIABLE: OFF}) == OFF


@pytest.mark.parametrize(
    "told",
    [
        {"host": "another", "seconds": {ON: 2.0, OFF: 1.0}},
        {"host": socket.gethostname(), "seconds": {ON: 2.0}},
        {"host": socket.gethostname(), "seconds": {ON: 2.0, OFF: "x"}},
        [],
    ],
    ids=["another machine", "half", "no number", "another form"],
)
def test_what_is_not_of_this_machine_or_form_does_not_count(told: Any) -> None:
    write_json(locate_user_cache() / "onednn.json", told)
    assert (choose_setting(), is_settled()) == (ON, False)


def test_a_disk_that_refuses_costs_a_measurement(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    write_measurement({ON: 1.0, OFF: 2.0})
    assert not is_settled()


class Jobs:
    """Stands for the engine: remembers what jobs ran with, and answers with seconds."""

    def __init__(self, *seconds: float) -> None:
        self.seconds = list(seconds)
        self.values: list[str] = []

    def run(self, jobs: list[Job], logs: Path, progress: Progress, *, processes: WorkerProcesses) -> list[float]:
        del logs, progress
        assert [job.function for job in jobs] == ["ensembler.engines.onednn.jobs.measure:time_network"]
        with processes.borrow_slot() as slot:
            self.values.append(slot.environment[ONEDNN_VARIABLE])
        if not self.seconds:
            raise JobFailed("no TensorFlow")
        return [self.seconds.pop(0)]


@pytest.mark.parametrize(("seconds", "value", "word"), [((0.2, 0.5), ON, "with"), ((0.5, 0.2), OFF, "without")])
def test_it_is_measured_once_before_long_work(
    seconds: tuple[float, float], value: str, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs, heard = Jobs(*seconds), Heard()
    monkeypatch.setattr(onednn, "run_jobs", jobs.run)
    settle_onednn(MIN_WORK - 1, tmp_path, heard)
    assert not jobs.values
    settle_onednn(MIN_WORK, tmp_path, heard)
    assert jobs.values == [ON, OFF]
    assert choose_setting() == value
    [note] = heard.notes
    assert note.startswith(f"From now on this machine computes {word} oneDNN: a batch takes {1e3 * seconds[0]:.0f} ms ")
    settle_onednn(MIN_WORK, tmp_path, heard)
    assert len(jobs.values) == 2


def test_who_set_the_variable_is_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ONEDNN_VARIABLE, OFF)
    jobs = Jobs(1.0, 2.0)
    monkeypatch.setattr(onednn, "run_jobs", jobs.run)
    settle_onednn(MIN_WORK, tmp_path, Heard())
    assert not jobs.values


@pytest.mark.parametrize("seconds", [(), (1.0,)])
def test_a_measurement_that_fails_is_no_trouble(
    seconds: tuple[float, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onednn, "run_jobs", Jobs(*seconds).run)
    settle_onednn(MIN_WORK, tmp_path, Heard())
    assert not is_settled()


def test_the_job_times_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ensembler.engines.onednn.jobs.measure._WIDTH", 0.35)
    monkeypatch.setattr("ensembler.engines.onednn.jobs.measure._SIZE", 32)
    assert 0 < time_network({}, Progress()) < 60
    assert known.choose_setting() == ON
