"""The loop of every engine: free slots take the most urgent job, and the outcomes of all jobs are collected."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from pathlib import Path
from threading import Condition
from typing import Any, Protocol

from .. import errors
from ..events import JobEnded, JobsPlanned, PlannedJob
from ..progress import Progress
from .job import Job
from .relay import JobProgress
from .scheduling import JobQueue

# Seconds. Windows notices Ctrl-C only between two waits.
_POLL_SECONDS = 0.5


class JobRunner(Protocol):
    """Runs single jobs for :func:`run_all`."""

    @property
    def limit(self) -> int:
        """Number of jobs that run at the same time."""

    @property
    def ahead(self) -> int:
        """Number of further jobs that are handed over, and wait where they will run."""

    def hand_over(self, job: Job, log: Path) -> None:
        """Hand a job over that :meth:`run` will follow. It is called for one job at a time, the most urgent first."""

    def run(self, job: Job, log: Path, progress: Progress) -> Any:
        """Run a job, and return its result or raise its error. Threads call it at the same time."""

    def stop(self) -> None:
        """Ask all running jobs to save their state and end."""

    def kill(self) -> None:
        """Kill all running jobs."""


def run_all(jobs: Sequence[Job], logs: Path, progress: Progress, runner: JobRunner) -> list[Any]:
    """Run jobs in the order of their urgency, each after those that it follows.

    Returns
    -------
    list
        Return value of each job, or the :class:`.EnsemblerError` that it raised. A job that did not run because another
        failed has a :class:`.JobFailed`.

    Raises
    ------
    Interrupted
        After an interruption, once all jobs have ended.
    """
    progress.emit(
        JobsPlanned(tuple(PlannedJob(job.name, job.member, job.folds, job.work) for job in jobs), runner.limit)
    )
    run = _Run(jobs, logs, progress, runner)
    threads = min(len(jobs), runner.limit + runner.ahead)
    if threads:
        with ThreadPoolExecutor(threads) as pool:
            interrupted = _wait_for_all([pool.submit(run.work) for _ in range(threads)], run, progress)
        return _collect_outcomes(jobs, run.ended, progress, interrupted=interrupted)
    return []


def require_results(jobs: Sequence[Job], outcomes: Sequence[Any]) -> list[Any]:
    """Return the outcomes of jobs, or raise the errors among them as one.

    Raises
    ------
    EnsemblerError
        If all failed jobs raised the same error.
    JobFailed
        If jobs raised different errors or died.
    """
    failures = {
        job.name: outcome
        for job, outcome in zip(jobs, outcomes, strict=True)
        if isinstance(outcome, errors.EnsemblerError)
    }
    causes = {name: failure for name, failure in failures.items() if not isinstance(failure, NotRun)}
    if causes:
        raise _combine_failures(causes)
    return list(outcomes)


class NotRun(errors.JobFailed):
    """A job did not run, because one that it follows failed."""


class _Run:
    """Jobs of one call, which the threads of :meth:`work` take one after the other.

    Attributes
    ----------
    ended
        Outcome of each job that ended, by its name.
    """

    def __init__(self, jobs: Sequence[Job], logs: Path, progress: Progress, runner: JobRunner) -> None:
        self._queue = JobQueue(jobs, runner.limit)
        self._logs = logs
        self._progress = progress
        self._runner = runner
        self._changed = Condition()
        self._stopped = False
        self.ended: dict[str, Future[Any]] = {}

    def work(self) -> None:
        """Run jobs until none is left."""
        while (taken := self._take()) is not None:
            job, handed_over = taken
            outcome: Future[Any] = Future()
            began = time.monotonic()
            try:
                handed_over.result()
                progress = JobProgress(self._progress, job.name)
                outcome.set_result(self._runner.run(job, self._locate_log(job), progress))
            except BaseException as error:  # noqa: BLE001 - the main thread raises it
                outcome.set_exception(error)
            self._end(job, outcome, time.monotonic() - began)

    def _take(self) -> tuple[Job, Future[None]] | None:
        """Wait for a job that is ready, and hand it over. None if there will be no other."""
        with self._changed:
            while self._queue.waiting and not self._stopped:
                if (job := self._queue.take()) is not None:
                    return job, self._hand_over(job)
                self._changed.wait()
        return None

    def _hand_over(self, job: Job) -> Future[None]:
        outcome: Future[None] = Future()
        try:
            self._runner.hand_over(job, self._locate_log(job))
            outcome.set_result(None)
        except Exception as error:  # noqa: BLE001 - it belongs to the job
            outcome.set_exception(error)
        return outcome

    def _end(self, job: Job, outcome: Future[Any], seconds: float) -> None:
        with self._changed:
            self.ended[job.name] = outcome
            for blocked in self._queue.end(job, seconds, failed=outcome.exception() is not None):
                reason = f"The job {blocked.name} did not run, because {job.name} did not succeed."
                self.ended[blocked.name] = Future()
                self.ended[blocked.name].set_exception(NotRun(reason))
                self._progress.emit(JobEnded(0.0, reason, job=blocked.name))
            self._changed.notify_all()

    def _locate_log(self, job: Job) -> Path:
        return self._logs / f"{job.name}.log"

    def stop(self) -> None:
        """Start no other job, and ask the running ones to end."""
        self._take_none()
        self._runner.stop()

    def kill(self) -> None:
        """Start no other job, and kill the running ones."""
        self._take_none()
        self._runner.kill()

    def _take_none(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()


def _wait_for_all(threads: Sequence[Future[None]], run: _Run, progress: Progress) -> bool:
    """Wait until all jobs have ended, and return whether there was an interruption."""
    try:
        try:
            _wait(threads)
        except KeyboardInterrupt:
            run.stop()
            progress.note("Stopping after the current step is saved. Press Ctrl-C again to stop at once.")
            _wait(threads)
            return True
    except BaseException:
        run.kill()
        raise
    for thread in threads:
        thread.result()
    return False


def _wait(threads: Sequence[Future[None]]) -> None:
    while wait(threads, _POLL_SECONDS).not_done:
        pass


def _collect_outcomes(
    jobs: Sequence[Job], ended: Mapping[str, Future[Any]], progress: Progress, *, interrupted: bool
) -> list[Any]:
    """Return the results and errors of all jobs. Bugs are raised."""
    outcomes: list[Any] = []
    places: list[str] = []
    for outcome in (ended[job.name] for job in jobs if job.name in ended):
        try:
            outcomes.append(outcome.result())
        except CancelledError:
            continue
        except errors.Interrupted as error:
            places += error.places
        except errors.EnsemblerError as error:
            outcomes.append(error)
    if interrupted or len(outcomes) < len(jobs):
        for failure in outcomes:
            if isinstance(failure, errors.EnsemblerError) and not isinstance(failure, NotRun):
                progress.warn(str(failure))
        raise errors.Interrupted(*places)
    return outcomes


def _combine_failures(failures: Mapping[str, errors.EnsemblerError]) -> errors.EnsemblerError:
    messages = {str(error) for error in failures.values()}
    if len(messages) == 1:
        return next(iter(failures.values()))
    return errors.JobFailed(
        " ".join(
            str(error) if isinstance(error, errors.JobFailed) else f"{name}: {error}"
            for name, error in failures.items()
        )
    )
