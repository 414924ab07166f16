"""The loop of both engines, with jobs that are functions of this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.photos import Heard

from ensembler.engines.dispatch import NotRun, require_results, run_all
from ensembler.engines.job import Job
from ensembler.errors import BadChoice, JobFailed
from ensembler.events import JobEnded
from ensembler.progress import Progress


class Runner:
    """Notes which jobs run, in what order, and how many at a time."""

    def __init__(self, limit: int, work: Callable[[Job], Any], ahead: int = 0) -> None:
        self.limit, self.ahead, self._work = limit, ahead, work
        self.began: list[str] = []
        self.most = self._running = 0
        self._lock = threading.Lock()

    def hand_over(self, job: Job, log: Path) -> None:
        """Do nothing."""

    def run(self, job: Job, log: Path, progress: Progress) -> Any:
        del log, progress
        with self._lock:
            self.began.append(job.name)
            self._running += 1
            self.most = max(self.most, self._running)
        try:
            return self._work(job)
        finally:
            with self._lock:
                self._running -= 1

    def stop(self) -> None:
        raise AssertionError

    kill = stop


def make(name: str, *after: str, seconds: float | None = None) -> Job:
    return Job(name, "m:f", {}, seconds=seconds, after=after)


def test_a_job_begins_after_those_that_it_follows_and_the_longest_first(tmp_path: Path) -> None:
    ended: list[str] = []

    def work(job: Job) -> str:
        assert set(job.after) <= set(ended)
        time.sleep(0.02)
        ended.append(job.name)
        return job.name.upper()

    jobs = [make("a", seconds=1), make("b", "a", seconds=1), make("c", seconds=5), make("d", seconds=3)]
    runner = Runner(2, work)
    assert run_all(jobs, tmp_path, Progress(), runner) == ["A", "B", "C", "D"]
    assert runner.began[:2] == ["c", "d"]
    assert runner.most == 2


@pytest.mark.parametrize("ahead", [0, 3])
def test_no_more_jobs_are_handed_over_than_the_runner_asks_for(ahead: int, tmp_path: Path) -> None:
    jobs = [make(str(number), seconds=1) for number in range(12)]
    runner = Runner(2, lambda _: time.sleep(0.01), ahead)
    run_all(jobs, tmp_path, Progress(), runner)
    assert runner.most == 2 + ahead


def test_what_follows_a_failure_does_not_run_and_the_rest_does(tmp_path: Path) -> None:
    def work(job: Job) -> str:
        if job.name == "a":
            raise BadChoice("There is no spoon.")
        return job.name

    heard = Heard()
    jobs = [make("a"), make("b", "a"), make("c", "b"), make("d")]
    runner = Runner(1, work)
    a, b, c, d = run_all(jobs, tmp_path, heard, runner)
    assert (str(a), d) == ("There is no spoon.", "d")
    assert isinstance(b, NotRun)
    assert str(c) == "The job c did not run, because a did not succeed."
    assert runner.began == ["a", "d"]
    assert {event.job: event.error for event in heard.of_kind(JobEnded)}.keys() == {"b", "c"}
    with pytest.raises(BadChoice, match="no spoon"):
        require_results(jobs, [a, b, c, d])


def test_different_failures_are_one_error(tmp_path: Path) -> None:
    def work(job: Job) -> None:
        raise (BadChoice("Wrong.") if job.name == "a" else JobFailed("The job b ended."))

    jobs = [make("a"), make("b")]
    with pytest.raises(JobFailed, match=r"a: Wrong. The job b ended."):
        require_results(jobs, run_all(jobs, tmp_path, Progress(), Runner(1, work)))


def test_a_bug_of_the_engine_keeps_its_traceback(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        run_all([make("a")], tmp_path, Progress(), Runner(1, lambda _: 1 / 0))


def test_a_job_that_cannot_be_handed_over_fails_and_the_others_run(tmp_path: Path) -> None:
    class Refusing(Runner):
        def hand_over(self, job: Job, log: Path) -> None:
            if job.name == "a":
                raise BadChoice(f"{log.name} is no log.")

    a, b = run_all([make("a"), make("b")], tmp_path, Progress(), Refusing(1, lambda _: 1))
    assert (str(a), b) == ("a.log is no log.", 1)


def test_nothing_to_do_is_done(tmp_path: Path) -> None:
    assert run_all([], tmp_path, Progress(), Runner(1, lambda _: None)) == []
