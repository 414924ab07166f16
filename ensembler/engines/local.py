"""Execution of jobs in separate processes on this machine, so that leaks of libraries end with their process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Self, cast

from .. import errors
from ..events import Event, JobBegan, JobEnded, JobsPlanned, PlannedJob, read_event
from ..progress import Progress
from .hardware import Hardware, detect_hardware
from .job import Job, Needs
from .worker_processes import WorkerProcesses

_LAST_LINES = 5
# Seconds. Windows notices Ctrl-C only between two waits.
_POLL_SECONDS = 0.5


class LocalEngine:
    """Engine of this machine. Its jobs divide the processors, or the GPUs.

    Parameters
    ----------
    job_processors
        Number of processors of a job without a GPU. None leaves it to the jobs.
    """

    def __init__(self, job_processors: int | None = None) -> None:
        self._job_processors = job_processors
        self._ahead: WorkerProcesses | None = None

    def __enter__(self) -> Self:
        """Return the engine. Processes start with the jobs."""
        return self

    def __exit__(self, *_: object) -> None:
        """End nothing, because processes end with their jobs."""

    @cached_property
    def _hardware(self) -> Hardware:
        return detect_hardware()

    def detect_hardware(self) -> Hardware:
        """Detect the hardware of this machine."""
        return self._hardware

    def count_slots(self, needs: Needs) -> int:
        """Return the number of GPUs if each job needs one, or else the number of jobs that share the processors."""
        if needs.gpus:
            return max(1, len(self._hardware.gpus)) // needs.gpus or 1
        processors = os.cpu_count() or 1
        return max(1, processors // (self._job_processors or needs.processors or processors))

    @contextlib.contextmanager
    def start_ahead(self, function: str, name: str, logs: Path) -> Iterator[None]:
        """Start the process of a job before its description is known; see :func:`start_worker_ahead`."""
        with start_worker_ahead(function, name, logs) as self._ahead:
            try:
                yield
            finally:
                self._ahead = None

    def run_jobs(self, jobs: Sequence[Job], logs: Path, progress: Progress) -> list[Any]:
        """Run jobs; see :meth:`.Engine.run_jobs`."""
        one_each = any(job.needs.gpus == 1 for job in jobs)
        gpus = [gpu.identity for gpu in self._hardware.gpus] if one_each else []
        parallel = min((self.count_slots(job.needs) for job in jobs), default=1)
        return run_jobs(jobs, logs, progress, parallel, gpus, self._ahead)


def run_jobs(
    jobs: Sequence[Job],
    logs: Path,
    progress: Progress,
    parallel: int = 1,
    gpus: Sequence[str] = (),
    processes: WorkerProcesses | None = None,
) -> list[Any]:
    """Run jobs. If one fails, the others still run.

    An interruption (Ctrl-C) asks the running jobs to save their state and end, and starts no other job. A second one
    kills them.

    Parameters
    ----------
    jobs
        Jobs to run.
    logs
        Folder for the output of the processes.
    progress
        Receiver of the events of the jobs.
    parallel
        Number of processes at a time, which share the processors. Ignored if ``gpus`` is given.
    gpus
        GPUs by their names in ``CUDA_VISIBLE_DEVICES``. Each runs one job at a time. Without any, each job sees all
        GPUs.
    processes
        Processes to use instead of new ones, see :func:`start_worker_ahead`.

    Returns
    -------
    list
        Return value of each job, in the order of ``jobs``.

    Raises
    ------
    EnsemblerError
        If all failed jobs raised the same error.
    JobFailed
        If jobs raised different errors or died. The message contains their names and the last lines of their logs.
    Interrupted
        After an interruption, once all jobs have ended. The message contains the position of each job.
    """
    planned = tuple(PlannedJob(job.name, job.member, tuple(job.folds), job.work) for job in jobs)
    with contextlib.ExitStack() as stack:
        used = processes or stack.enter_context(WorkerProcesses(parallel, gpus))
        progress.emit(JobsPlanned(planned, used.limit))
        with ThreadPoolExecutor(used.limit) as pool:
            running = [pool.submit(_run_job, job, build_log_path(logs, job.name), progress, used) for job in jobs]
            interrupted = _wait_for_all(running, used, progress)
    return _collect_results(jobs, running, progress, interrupted=interrupted)


@contextlib.contextmanager
def start_worker_ahead(function: str, name: str, logs: Path) -> Iterator[WorkerProcesses]:
    """Start the process of a job before its description is known, so that libraries load in the meantime.

    Parameters
    ----------
    function, name
        Function and name of the job.
    logs
        Folder for the output of the process.

    Yields
    ------
    WorkerProcesses
        Processes for :func:`run_jobs`. The process ends with the block, even if it received no job.
    """
    with WorkerProcesses(1) as processes:
        processes.start_ahead(function.partition(":")[0], build_log_path(logs, name))
        yield processes


def build_log_path(logs: Path, name: str) -> Path:
    """Return the path of a job's log."""
    return logs / f"{name}.log"


def _wait_for_all(running: Sequence[Future[Any]], processes: WorkerProcesses, progress: Progress) -> bool:
    """Wait until all jobs have ended, and return whether there was an interruption."""
    try:
        try:
            _wait(running)
        except KeyboardInterrupt:
            processes.stop()
            progress.note("Stopping after the current step is saved. Press Ctrl-C again to stop at once.")
            _wait(running)
            return True
    except BaseException:
        processes.kill()
        raise
    return False


def _wait(running: Sequence[Future[Any]]) -> None:
    while wait(running, _POLL_SECONDS).not_done:
        pass


def _collect_results(
    jobs: Sequence[Job], ended: Sequence[Future[Any]], progress: Progress, *, interrupted: bool
) -> list[Any]:
    """Return the results of all jobs, or raise their errors."""
    results: list[Any] = []
    failures: dict[str, errors.EnsemblerError] = {}
    places: list[str] = []
    for job, future in zip(jobs, ended, strict=True):
        try:
            results.append(future.result())
        except CancelledError:
            continue
        except errors.Interrupted as error:
            places += error.places
        except errors.EnsemblerError as error:
            failures[job.name] = error
    if interrupted or places:
        for failure in failures.values():
            progress.warn(str(failure))
        raise errors.Interrupted(*places)
    if failures:
        raise _combine_failures(failures)
    return results


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


def _run_job(job: Job, log: Path, progress: Progress, processes: WorkerProcesses) -> Any:
    progress = _JobProgress(progress, job.name)
    with processes.run(job, log) as process:
        progress.emit(JobBegan(process.pid))
        began, reason, stopped = time.monotonic(), "", False
        try:
            return _follow(job, process, log, progress)
        except errors.Interrupted:
            stopped = True
            raise
        except errors.JobFailed as error:
            if not processes.was_killed:
                reason = str(error)
                raise
            # The second Ctrl-C ended it, so it has not failed.
            stopped = True
            raise errors.Interrupted from error
        except BaseException as error:
            reason = str(error) or type(error).__name__
            raise
        finally:
            progress.emit(JobEnded(round(time.monotonic() - began, 3), reason, stopped))


class _JobProgress(Progress):
    """Progress that adds a job's name to its events."""

    def __init__(self, progress: Progress, job: str) -> None:
        self._progress = progress
        self._job = job

    def emit(self, event: Event) -> None:
        self._progress.emit(replace(event, job=self._job))


def _follow(job: Job, process: subprocess.Popen[str], log: Path, progress: Progress) -> Any:
    """Pass on a job's events until it ends, and return its result or raise its error."""
    end = _relay(cast("IO[str]", process.stdout), progress, job.name)
    # A process that may run another job does not exit.
    code = 0 if end and job.shares_process else process.wait()
    if "result" in end:
        return end["result"]
    if "error" in end:
        raise getattr(errors, end["error"])(end["text"])
    # Ctrl-C may reach a process before it ignores the signal.
    if "interrupted" in end or code == -signal.SIGINT:
        raise errors.Interrupted(*end.get("interrupted", ()))
    if code == -9:
        reason = "killed, probably because memory ran out; try a smaller --batch-size"
    else:
        reason = f"signal {-code}" if code < 0 else f"exit code {code}"
    output = log.read_text("utf-8", errors="replace").strip().splitlines()[-_LAST_LINES:]
    raise errors.JobFailed(
        f"The job {job.name} ended without a result ({reason}). "
        f"The last lines of {log} are: {' | '.join(output) or '(empty)'}"
    )


def _relay(lines: IO[str], progress: Progress, name: str) -> Mapping[str, Any]:
    """Pass on a job's events, and return its last message: a result or an error. Empty if the process died."""
    start_up = progress.start(f"{name}: start-up", 1)
    for number, line in enumerate(lines):
        if number == 0:
            # The first line shows that the libraries are loaded.
            start_up.advance()
            start_up.finish()
        content: dict[str, Any] = json.loads(line)
        if "event" not in content:
            return content
        progress.emit(read_event(content))
    return {}
