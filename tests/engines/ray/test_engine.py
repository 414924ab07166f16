"""Jobs on a Ray cluster of two nodes on this machine, and on one that the engine starts itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.photos import Heard
from helpers.ray_clusters import (
    add_node,
    kill_node,
    list_marked_processes,
    set_variables,
    start_cluster,
    wait_until,
)

from ensembler.callers import address_command_line
from ensembler.engines.job import Job, Needs
from ensembler.engines.local import LocalEngine
from ensembler.errors import BadChoice, JobFailed, StorageError
from ensembler.events import JobBegan, JobEnded, Warned
from ensembler.progress import Progress

pytest.importorskip("ray")
from ensembler.engines.ray.engine import RayEngine

pytestmark = pytest.mark.slow
TESTS = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(TESTS.parent), str(TESTS)]))
        with start_cluster({"num_cpus": 2}, {"num_cpus": 2}) as started:
            yield started


@pytest.fixture(scope="module")
def engine(cluster: Any) -> Iterator[RayEngine]:
    with RayEngine(cluster.address, Progress()) as opened:
        yield opened


def job(function: str, name: str = "", **spec: object) -> Job:
    return Job(name or function, f"helpers.job_functions:{function}", spec, needs=Needs(processors=1))


def test_jobs_on_both_nodes_tell_what_they_do_and_their_logs_are_here(engine: RayEngine, tmp_path: Path) -> None:
    heard = Heard()
    jobs = [job("double", f"double-{number}", number=number) for number in range(4)]
    assert engine.count_slots(jobs[0].needs) == 4
    assert engine.run_jobs(jobs, tmp_path, heard) == [0, 2, 4, 6]
    begun = heard.of_kind(JobBegan)
    assert {event.job for event in begun} == {each.name for each in jobs}
    assert all(event.node and not event.gpus for event in begun)
    assert [event.error for event in heard.of_kind(JobEnded)] == [""] * 4
    assert heard.told.count("half-way") == 4
    assert (tmp_path / "double-3.log").read_text() == "printed by a library\n"


@pytest.mark.parametrize(
    ("function", "kind", "words"),
    [
        ("refuse", BadChoice, "There is no spoon"),
        ("fill", StorageError, "some/file: No space left"),
        ("crash", JobFailed, "ZeroDivisionError: a bug of ours"),
    ],
)
def test_a_job_that_fails_by_its_own_fault_fails_once_and_the_others_go_on(
    function: str, kind: type[Exception], words: str, engine: RayEngine, tmp_path: Path
) -> None:
    heard = Heard()
    failed, done = engine.run_each([job(function, what="spoon"), job("double", number=1)], tmp_path, heard)
    assert isinstance(failed, kind)
    assert words in str(failed)
    assert done == 2
    assert len(heard.of_kind(JobBegan)) == 2
    assert heard.of_kind(Warned) == [Warned("look out", job="double")]


def test_a_job_that_loses_its_memory_is_started_again_a_few_times(engine: RayEngine, tmp_path: Path) -> None:
    heard = Heard()
    [failed] = engine.run_each([job("die")], tmp_path, heard)
    assert "was started 4 times and lost its machine each time" in str(failed)
    warnings = [event.text for event in heard.of_kind(Warned)]
    assert len(warnings) == 3
    assert warnings[0].startswith("die is started again (1 of at most 3 times), because its process was killed, ")


def test_environment_threads_and_folder_are_those_of_this_machine(
    engine: RayEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_DETERMINISTIC_OPS", "1")
    names = ("TF_DETERMINISTIC_OPS", "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_ENABLE_ONEDNN_OPTS")
    asked = Job("seen", "helpers.job_functions:show_environment", {"names": [*names, "CUDA_VISIBLE_DEVICES"]})
    [there] = engine.run_jobs([asked], tmp_path, Progress())
    [here] = LocalEngine().run_jobs([asked], tmp_path, Progress())
    assert there.pop("CUDA_VISIBLE_DEVICES") == ""
    here.pop("CUDA_VISIBLE_DEVICES")
    assert there == here


def test_what_comes_after_a_job_waits_for_it(engine: RayEngine, tmp_path: Path) -> None:
    heard = Heard()
    last = Job("last", "helpers.job_functions:double", {"number": 1}, after=("first",), needs=Needs(processors=1))
    engine.run_jobs([last, job("double", "first", number=1)], tmp_path, heard)
    order = [(type(event), event.job) for event in heard.all_events if isinstance(event, JobBegan | JobEnded)]
    assert order == [(JobBegan, "first"), (JobEnded, "first"), (JobBegan, "last"), (JobEnded, "last")]


def test_what_no_node_has_is_refused_at_once(engine: RayEngine, tmp_path: Path) -> None:
    asked = Job("double", "helpers.job_functions:double", {"number": 1}, needs=Needs(gpus=1))
    with pytest.raises(BadChoice, match="needs 1 GPU"):
        engine.run_jobs([asked], tmp_path, Progress())


def test_a_folder_that_the_node_does_not_see_is_named(
    engine: RayEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = tmp_path / "away"
    away.mkdir()
    monkeypatch.chdir(away)
    away.rmdir()
    monkeypatch.setattr(Path, "cwd", lambda: away)
    # Both the caller in Python and that of the command line read their own words.
    with pytest.raises(JobFailed, match=r"away does not exist on the node .*use shared_folder=False"):
        engine.run_jobs([job("double", number=1)], tmp_path / "logs", Progress())
    with address_command_line(), pytest.raises(JobFailed, match=r"use --no-shared-folder"):
        engine.run_jobs([job("double", number=1)], tmp_path / "logs", Progress())


def test_the_machine_of_jobs_is_that_of_the_nodes(engine: RayEngine) -> None:
    found = engine.detect_hardware()
    assert found.gpus == ()
    assert found.memory_bytes == LocalEngine().detect_hardware().memory_bytes


def test_a_full_object_store_stops_nothing(cluster: Any, engine: RayEngine, tmp_path: Path) -> None:
    import numpy as np
    import ray

    held = [ray.put(np.ones(30 * 2**20, np.uint8)) for _ in range(8)]
    assert engine.run_jobs([job("return_much", megabytes=20)], tmp_path, Progress()) == [20 * 2**20]
    assert len(held) == 8


def test_a_lost_node_costs_a_job_its_attempt(cluster: Any, engine: RayEngine, tmp_path: Path) -> None:
    lost = add_node(cluster, num_cpus=2, resources={"lost": 1})
    go = tmp_path / "go"
    jobs = [job("wait_for_file", f"m{number}", file=str(go), number=number) for number in range(6)]
    heard = Heard()

    class Killer(Heard):
        def emit(self, event: Any) -> None:
            heard.emit(event)
            if len(heard.of_kind(JobBegan)) == 6 and not killed:
                killed.append(True)
                kill_node(lost)
                go.touch()

    killed: list[bool] = []
    assert engine.run_jobs(jobs, tmp_path, Killer()) == list(range(6))
    again = [event.text for event in heard.of_kind(Warned)]
    assert len(again) == 2
    assert all("is started again (1 of at most 3 times), because " in text for text in again)
    assert len(heard.of_kind(JobBegan)) == 8


PROGRAM = """
import sys
from pathlib import Path
from ensembler.engines.job import Job, Needs
from ensembler.engines.ray.engine import RayEngine
from ensembler.events import JobEnded, Noted, Warned
from ensembler.progress import Progress
class Printer(Progress):
    def emit(self, event):
        if isinstance(event, (Noted, Warned)):
            print(event.text, file=sys.stderr, flush=True)
        if isinstance(event, JobEnded) and not event.stopped:
            print("The job failed", file=sys.stderr, flush=True)
address, logs, function, seconds = sys.argv[1:]
spec = {"stubborn": True, "seconds": float(seconds)}
jobs = [Job(name, "helpers.job_functions:" + function, spec, needs=Needs(processors=1)) for name in "abcdef"]
try:
    with RayEngine(address or None, Printer()) as engine:
        engine.run_jobs(jobs, Path(logs), Printer())
except KeyboardInterrupt as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


class Driver:
    """A process that waits for jobs on a cluster, of which at least ``running`` have begun."""

    def __init__(self, address: str, logs: Path, function: str, running: int, seconds: float = 1) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, address, str(logs), function, str(seconds)],
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._logs = logs
        wait_until(lambda: len(self.read_begun()) >= running)

    def read_begun(self) -> dict[str, str]:
        texts = {log.stem: log.read_text() for log in self._logs.glob("*.log")}
        return {name: text for name, text in texts.items() if "waiting" in text}

    def jobs_live(self) -> bool:
        numbers = [text.split()[1] for text in self.read_begun().values()]
        return any(Path(f"/proc/{number}").exists() for number in numbers)


@pytest.mark.parametrize("place", ["joined", "own"])
def test_ctrl_c_saves_everywhere(place: str, cluster: Any, tmp_path: Path) -> None:
    running = 4 if place == "joined" else 2
    with set_variables({"PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])}) as mark:
        address = cluster.address if place == "joined" else ""
        driver = Driver(address, tmp_path, "save_when_stopped", running)
    os.killpg(driver.process.pid, signal.SIGINT)
    output, errors = driver.process.communicate(timeout=60)
    assert len(errors.splitlines()) == 2, errors
    first, last = errors.splitlines()
    assert first == "Stopping after the current step is saved. Press Ctrl-C again to stop at once."
    assert last.startswith("Interrupted: Interrupted in step 3 of it, and in step 3 of it")
    assert output == ""
    assert all("saved" in text for text in driver.read_begun().values())
    wait_until(lambda: not list_marked_processes(mark))


def test_a_second_ctrl_c_kills(cluster: Any, tmp_path: Path) -> None:
    driver = Driver(cluster.address, tmp_path, "wait", 4)
    os.killpg(driver.process.pid, signal.SIGINT)
    assert "Ctrl-C again" in driver.process.stderr.readline()
    os.killpg(driver.process.pid, signal.SIGINT)
    assert "failed" not in driver.process.communicate(timeout=30)[1]
    wait_until(lambda: not driver.jobs_live(), 10)


@pytest.mark.parametrize("place", ["joined", "own"])
def test_jobs_save_when_the_driver_is_killed(place: str, cluster: Any, tmp_path: Path) -> None:
    running = 4 if place == "joined" else 2
    with set_variables({"PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])}) as mark:
        address = cluster.address if place == "joined" else ""
        driver = Driver(address, tmp_path, "save_when_stopped", running, seconds=3)
    os.kill(driver.process.pid, signal.SIGKILL)
    driver.process.communicate(timeout=60)
    wait_until(lambda: not driver.jobs_live(), 20)
    begun = driver.read_begun()
    assert len(begun) >= running
    assert all("saved" in text for text in begun.values())
    # Ray's agents look for their parent each minute.
    wait_until(lambda: not [command for command in list_marked_processes(mark) if "Agent" not in command], 20)


def test_what_does_not_answer_is_refused_within_seconds(cluster: Any) -> None:
    del cluster
    for address, words in [("127.0.0.1:9", "Nothing answers at"), ("nonsense", "must be HOST:PORT")]:
        ended = subprocess.run(
            [sys.executable, "-c", PROGRAM, address, "logs", "wait", "1"], capture_output=True, text=True, timeout=30
        )
        assert words in ended.stderr
