from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.photos import Heard

from ensembler.engines.job import Job
from ensembler.engines.local import run_jobs, start_worker_ahead
from ensembler.errors import BadChoice, JobFailed, StorageError
from ensembler.events import (
    FoldBegan,
    FoldEnded,
    JobBegan,
    JobEnded,
    JobsPlanned,
    Noted,
    PlannedJob,
    TaskAdvanced,
    TaskBegan,
    TaskEnded,
    Warned,
)
from ensembler.progress import Progress


@pytest.fixture(autouse=True)
def functions_are_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))


def job(function: str, **spec: object) -> Job:
    return Job(function, f"helpers.job_functions:{function}", spec)


def test_a_job_reports_events_and_returns_its_result(tmp_path: Path) -> None:
    heard = Heard()
    assert run_jobs([job("double", number=21)], tmp_path, heard) == [42]
    _, _, *start_up, began, advanced, ended, note, warning, _ = heard.all_events
    assert [type(event) for event in start_up] == [TaskBegan, TaskAdvanced, TaskEnded]
    assert heard.labels == ["double: start-up", "double"]
    assert isinstance(began, TaskBegan)
    assert (advanced, note, warning) == (
        TaskAdvanced(began.task, 2, job="double"),
        Noted("half-way", job="double"),
        Warned("look out", job="double"),
    )
    assert isinstance(ended, TaskEnded)
    assert (ended.task, ended.label, ended.done) == (began.task, "double", 2)
    assert "printed by a library" in (tmp_path / "double.log").read_text()


def test_events_arrive_unchanged_between_beginning_and_end_of_the_job(tmp_path: Path) -> None:
    heard = Heard()
    asked = Job("b0-fold-2", "helpers.job_functions:train", {}, "b0", (2,), 7.5)
    run_jobs([asked], tmp_path, heard, parallel=3)
    planned, begun, fold, scored, ended = heard.events
    assert planned == JobsPlanned((PlannedJob("b0-fold-2", "b0", (2,), 7.5),), 3)
    assert isinstance(begun, JobBegan)
    assert begun.process != os.getpid()
    assert fold == FoldBegan("b0", 2, job="b0-fold-2")
    assert isinstance(scored, FoldEnded)
    assert scored.epochs is None
    assert math.isnan(scored.log_loss)
    assert isinstance(ended, JobEnded)
    assert ended.error == ""
    assert ended.seconds > 0
    assert {event.job for event in heard.all_events[1:]} == {"b0-fold-2"}
    _, task = heard.of_kind(TaskBegan)
    assert (task.label, task.total, task.photos, task.work) == ("b0, fold 2: fine-tune", 5, 32, 2.5)


def test_the_end_of_a_job_that_failed_says_why(tmp_path: Path) -> None:
    heard = Heard()
    with pytest.raises(BadChoice):
        run_jobs([job("refuse", what="spoon")], tmp_path, heard)
    last = heard.all_events[-1]
    assert isinstance(last, JobEnded)
    assert last.error == "There is no spoon."


def test_results_keep_the_order_of_jobs_that_run_at_once(tmp_path: Path) -> None:
    jobs = [Job(f"double-{n}", "helpers.job_functions:double", {"number": n}) for n in range(4)]
    assert run_jobs(jobs, tmp_path, Progress(), parallel=2) == [0, 2, 4, 6]


@pytest.mark.parametrize(
    ("function", "kind", "words"),
    [
        ("refuse", BadChoice, "There is no spoon"),
        ("fill", StorageError, "some/file: No space left"),
        ("crash", JobFailed, "ZeroDivisionError: a bug of ours"),
        ("die", JobFailed, "memory ran out; try a smaller batch_size"),
        ("missing", JobFailed, "has no attribute 'missing'"),
    ],
)
def test_a_failure_names_the_job_and_shows_the_end_of_its_log(
    function: str, kind: type[Exception], words: str, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=words) as caught:
        run_jobs([job(function, what="spoon")], tmp_path, Progress())
    assert kind is not JobFailed or function in str(caught.value)


def test_the_other_jobs_continue(tmp_path: Path) -> None:
    with pytest.raises(BadChoice):
        run_jobs([job("refuse", what="spoon"), job("double", number=1)], tmp_path, Progress())
    assert (tmp_path / "double.log").read_text().strip() == "printed by a library"


def test_different_errors_are_all_reported(tmp_path: Path) -> None:
    with pytest.raises(JobFailed, match=r"no spoon.*crash"):
        run_jobs([job("refuse", what="spoon"), job("crash")], tmp_path, Progress())


def test_logs_that_cannot_be_written_are_our_error(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where a folder should be")
    with pytest.raises(StorageError, match="logs"):
        run_jobs([job("double", number=1)], tmp_path / "logs", Progress())


def gpu_job(name: str, folder: Path, together: int, **spec: object) -> Job:
    folder.mkdir(exist_ok=True)
    return Job(name, "helpers.job_functions:use_gpu", {"folder": str(folder), "together": together, **spec})


@pytest.mark.parametrize("gpus", [("0",), ("GPU-a", "GPU-b"), ("2", "0", "1")])
def test_a_gpu_for_each_job_and_a_job_for_each_gpu(gpus: tuple[str, ...], tmp_path: Path) -> None:
    jobs = [gpu_job(str(number), tmp_path / "gpus", len(gpus)) for number in range(5)]
    seen = run_jobs(jobs, tmp_path, Progress(), gpus=gpus)
    assert set(seen) == set(gpus)
    assert len(seen) == 5


def test_a_gpu_is_given_back_by_a_job_that_fails(tmp_path: Path) -> None:
    jobs = [gpu_job(str(number), tmp_path / "gpus", 1, dies=number < 2) for number in range(3)]
    with pytest.raises(JobFailed, match=r"job 0 ended.*job 1 ended"):
        run_jobs(jobs, tmp_path, Progress(), gpus=["x"])
    assert len(list((tmp_path / "gpus").glob("* began"))) == 3


def test_without_gpus_to_choose_from_a_job_sees_what_we_see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5")
    assert run_jobs([gpu_job("all", tmp_path / "gpus", 1)], tmp_path, Progress()) == ["4,5"]


def sharing(function: str, name: str, **spec: object) -> Job:
    return Job(name, f"helpers.job_functions:{function}", spec, shares_process=True)


def test_jobs_that_may_share_a_process_do_and_each_has_its_log(tmp_path: Path) -> None:
    heard = Heard()
    jobs = [sharing("pid", "a"), sharing("pid", "b"), Job("c", "helpers.job_functions:pid", {}), sharing("pid", "d")]
    a, b, c, d = run_jobs(jobs, tmp_path, heard)
    # A job that does not share its process is the last one in it.
    assert a == b == c != d
    begun = [event.process for event in heard.of_kind(JobBegan)]
    assert begun == [a, b, c, d]
    for name in "abcd":
        assert (tmp_path / f"{name}.log").read_text() == "pid is here\n"
    assert not any(map(lives, (a, d)))


@pytest.mark.parametrize("trouble", ["refuse", "crash", "die"])
def test_what_comes_after_trouble_has_a_process_of_its_own(trouble: str, tmp_path: Path) -> None:
    jobs = [sharing("pid", "a"), sharing(trouble, "trouble", what="spoon"), sharing("double", "b", number=1)]
    with pytest.raises((BadChoice, JobFailed)):
        run_jobs(jobs, tmp_path, Progress())
    assert "printed by a library" in (tmp_path / "b.log").read_text()


def test_a_process_started_ahead_takes_the_job_and_loads_its_module_before(tmp_path: Path) -> None:
    with start_worker_ahead("helpers.job_functions:pid", "ahead", tmp_path) as processes:
        assert run_jobs([sharing("pid", "ahead")], tmp_path, Progress(), processes=processes) == [
            process.pid for process in processes._running
        ]
        [process] = processes._running
    assert not lives(process.pid)
    assert (tmp_path / "ahead.log").read_text() == "pid is here\n"


@pytest.mark.parametrize("there_is_a_job", [True, False])
def test_a_module_that_cannot_be_loaded_ahead(there_is_a_job: bool, tmp_path: Path) -> None:
    with start_worker_ahead("no_such_module:pid", "ahead", tmp_path) as processes:
        if there_is_a_job:
            with pytest.raises(JobFailed, match="No module named 'no_such_module'"):
                run_jobs([sharing("pid", "ahead")], tmp_path, Progress(), processes=processes)
    assert not any(lives(process.pid) for process in processes._running)


def lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


WAITING = """
import sys
from pathlib import Path
from ensembler.engines.job import Job
from ensembler.engines.local import run_jobs
from ensembler.events import JobEnded, Noted
from ensembler.progress import Progress
class Printer(Progress):
    def emit(self, event):
        if isinstance(event, Noted):
            print(event.text, file=sys.stderr, flush=True)
        if isinstance(event, JobEnded) and not event.stopped:
            print("The job failed", file=sys.stderr, flush=True)
jobs = [Job(name, "helpers.job_functions:wait", {spec}) for name in "abcd"]
try:
    run_jobs(jobs, Path({logs!r}), Printer(), gpus={gpus})
except KeyboardInterrupt as error:
    sys.exit(f"{{type(error).__name__}}: {{error}}")
"""


class Waiting:
    """A process that waits for waiting jobs."""

    def __init__(self, logs: Path, gpus: tuple[str, ...] = (), **spec: object) -> None:
        program = WAITING.format(logs=str(logs), gpus=gpus, spec=spec)
        self.process = subprocess.Popen(
            [sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        self.logs = logs
        self.running = [logs / f"{name}.log" for name in "abcd"[: len(gpus) or 1]]
        self.until(lambda: all(log.is_file() and "waiting" in log.read_text() for log in self.running))

    @staticmethod
    def until(there: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + 30
        while not (seen := there()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return seen

    def jobs_live(self) -> bool:
        for log in self.running:
            try:
                os.kill(int(log.read_text().splitlines()[0].split()[1]), 0)
            except ProcessLookupError:
                continue
            return True
        return False

    def others(self) -> set[Path]:
        """Return the logs of jobs that should not have begun."""
        logs = set(self.logs.glob("*.log")) - set(self.running)
        return {log for log in logs if "waiting" in log.read_text()}


@pytest.mark.parametrize("gpus", [(), ("0", "1")], ids=["one job at a time", "a job per GPU"])
@pytest.mark.parametrize("everybody", [False, True], ids=["only the parent", "all processes"])
def test_an_interruption_asks_the_running_jobs_to_end_and_starts_no_other(
    gpus: tuple[str, ...], everybody: bool, tmp_path: Path
) -> None:
    waiting = Waiting(tmp_path, gpus)
    # A terminal signals the whole group.
    (os.killpg if everybody else os.kill)(waiting.process.pid, signal.SIGINT)
    output = waiting.process.communicate(timeout=20)[1].splitlines()
    places = ", and ".join(["in step 3 of it"] * len(waiting.running))
    assert output == [
        "Stopping after the current step is saved. Press Ctrl-C again to stop at once.",
        f"Interrupted: Interrupted {places}; run the same command again to resume.",
    ]
    assert not waiting.jobs_live()
    assert not waiting.others()


def test_a_second_interruption_kills_what_does_not_end(tmp_path: Path) -> None:
    waiting = Waiting(tmp_path, stubborn=True)
    os.killpg(waiting.process.pid, signal.SIGINT)
    assert "Ctrl-C again" in waiting.process.stderr.readline()
    assert waiting.jobs_live()
    os.killpg(waiting.process.pid, signal.SIGINT)
    assert "failed" not in waiting.process.communicate(timeout=20)[1]
    assert waiting.process.returncode != 0
    assert not waiting.jobs_live()
    assert not waiting.others()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_jobs_end_when_the_process_that_waits_for_them_is_killed(how: signal.Signals, tmp_path: Path) -> None:
    waiting = Waiting(tmp_path, ("0", "1"))
    os.kill(waiting.process.pid, how)
    waiting.process.communicate(timeout=20)
    assert waiting.until(lambda: not waiting.jobs_live())
    assert not waiting.others()


@pytest.mark.parametrize("how", [signal.SIGSEGV, signal.SIGTERM])
def test_a_job_that_a_signal_ended_is_named_with_the_end_of_its_log(how: signal.Signals, tmp_path: Path) -> None:
    jobs = [job("end_by_signal", signal=int(how)), job("double", number=1)]
    with pytest.raises(JobFailed, match=rf"job end_by_signal ended .*signal {int(how)}.*about to do it"):
        run_jobs(jobs, tmp_path, Progress())
    assert "printed by a library" in (tmp_path / "double.log").read_text()


FORTY_JOBS = """
from pathlib import Path
from ensembler.engines.job import Job
from ensembler.engines.local import run_jobs
from ensembler.events import TaskBegan
from ensembler.progress import Progress

class Looks(Progress):
    begun = 0
    def emit(self, event):
        # The first task of a job begins after its start-up.
        if isinstance(event, TaskBegan) and event.label == "chatter":
            self.begun += 1
            if self.begun in (10, 40):
                print(int(Path("/proc/self/statm").read_text().split()[1]) * 4096)

run_jobs([Job(str(n), "helpers.job_functions:chatter", {{}}) for n in range(40)], Path({logs!r}), Looks(), parallel=2)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_the_memory_of_the_parent_stays_flat_over_forty_jobs(tmp_path: Path) -> None:
    """It keeps the results of jobs, and none of their events."""
    program = FORTY_JOBS.format(logs=str(tmp_path))
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    after_10, after_40 = map(int, ended.stdout.split())
    assert after_40 - after_10 < 2e6
