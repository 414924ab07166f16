from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ensembler.engines.job import Job
from ensembler.engines.local import run_jobs
from ensembler.errors import BadChoice, JobFailed, StorageError
from ensembler.progress import Progress, Task


class Listener(Progress):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def start(self, label: str, total: int) -> Task:
        self.heard.append(f"start {label} {total}")
        return self.Steps(self)

    def note(self, text: str) -> None:
        self.heard.append(f"note {text}")

    def warn(self, text: str) -> None:
        self.heard.append(f"warn {text}")

    class Steps(Task):
        def __init__(self, listener: Listener) -> None:
            self.listener = listener

        def advance(self, steps: int = 1) -> None:
            self.listener.heard.append(f"advance {steps}")

        def finish(self) -> None:
            self.listener.heard.append("finish")


@pytest.fixture(autouse=True)
def functions_are_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


def job(function: str, **told: object) -> Job:
    return Job(function, f"job_functions:{function}", told)


def test_a_job_tells_how_it_goes_and_returns_its_result(tmp_path: Path) -> None:
    listener = Listener()
    assert run_jobs([job("double", number=21)], tmp_path, listener) == [42]
    start_up = ["start double: start-up 1", "advance 1", "finish"]
    told = ["start double 2", "advance 2", "finish", "note half-way", "warn look out"]
    assert listener.heard[: len(start_up + told)] == start_up + told
    assert "printed by a library" in (tmp_path / "double.log").read_text()


def test_results_keep_the_order_of_jobs_that_run_at_once(tmp_path: Path) -> None:
    jobs = [Job(f"double-{n}", "job_functions:double", {"number": n}) for n in range(4)]
    assert run_jobs(jobs, tmp_path, Progress(), parallel=2) == [0, 2, 4, 6]


@pytest.mark.parametrize(
    ("function", "kind", "words"),
    [
        ("refuse", BadChoice, "There is no spoon"),
        ("fill", StorageError, "some/file: No space left"),
        ("crash", JobFailed, "ZeroDivisionError: a bug of ours"),
        ("die", JobFailed, "want of memory"),
        ("missing", JobFailed, "has no attribute 'missing'"),
    ],
)
def test_a_failure_names_the_job_and_shows_the_end_of_its_log(
    function: str, kind: type[Exception], words: str, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=words) as caught:
        run_jobs([job(function, what="spoon")], tmp_path, Progress())
    assert kind is not JobFailed or function in str(caught.value)


def test_the_other_jobs_go_on(tmp_path: Path) -> None:
    with pytest.raises(BadChoice):
        run_jobs([job("refuse", what="spoon"), job("double", number=1)], tmp_path, Progress())
    assert (tmp_path / "double.log").read_text().strip() == "printed by a library"


def test_two_ways_to_fail_are_both_told(tmp_path: Path) -> None:
    with pytest.raises(JobFailed, match=r"no spoon.*crash"):
        run_jobs([job("refuse", what="spoon"), job("crash")], tmp_path, Progress())


def test_logs_that_cannot_be_written_are_our_error(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where a folder should be")
    with pytest.raises(StorageError, match="logs"):
        run_jobs([job("double", number=1)], tmp_path / "logs", Progress())


def test_an_interruption_ends_the_running_job_and_starts_no_other(tmp_path: Path) -> None:
    program = (
        "from pathlib import Path; from ensembler.engines.job import Job; from ensembler.engines.local import run_jobs;"
        "from ensembler.progress import Progress;"
        f"run_jobs([Job(n, 'job_functions:wait', {{}}) for n in 'ab'], Path({str(tmp_path)!r}), Progress())"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL)
    started = tmp_path / "a.log"
    deadline = time.monotonic() + 30
    while not (started.is_file() and "waiting" in started.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    parent.send_signal(signal.SIGINT)
    assert parent.wait(timeout=20) != 0
    child = int(started.read_text().split()[-1])
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    assert not (tmp_path / "b.log").exists()
