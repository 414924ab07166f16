"""Jobs on this machine, each in a process of its own, so that a library's leaks end with it."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from .. import errors
from ..events import Event, JobBegan, JobEnded, JobsPlanned, PlannedJob, read_event
from ..progress import Progress
from .job import Job
from .worker_processes import WorkerProcesses

_LAST_LINES = 5
# Seconds; Windows notices Ctrl-C between waits only.
_POLL_SECONDS = 0.5


def run_jobs(
    jobs: Sequence[Job],
    logs: Path,
    progress: Progress,
    parallel: int = 1,
    gpus: Sequence[str] = (),
    processes: WorkerProcesses | None = None,
) -> list[Any]:
    """Run jobs; one that fails does not keep the others from running.

    An interruption (Ctrl-C) asks the running jobs to save what they have and end, and starts no other; a second one
    kills them.

    Parameters
    ----------
    jobs
        Work to do.
    logs
        Folder for what each process prints.
    progress
        Hears what the processes tell.
    parallel
        Processes at a time; they share the processors. Without effect where ``gpus`` are given.
    gpus
        What ``CUDA_VISIBLE_DEVICES`` calls the GPUs, each of which gets one job at a time, and each job one of them.
        Without any, each job sees all GPUs.
    processes
        In whose slots the jobs run, instead of new ones; see :func:`start_worker_ahead`.

    Returns
    -------
    list
        What each job returned.

    Raises
    ------
    EnsemblerError
        The first job's own error if all that failed told the same.
    JobFailed
        If jobs failed in several ways or without a word; it has their names and the last lines of their logs.
    Interrupted
        After an interruption, once all jobs have ended; it tells where they were.
    """
    planned = tuple(PlannedJob(job.name, job.member, tuple(job.folds), job.work) for job in jobs)
    with contextlib.ExitStack() as ours:
        used = processes or ours.enter_context(WorkerProcesses(parallel, gpus))
        progress.emit(JobsPlanned(planned, used.limit))
        with ThreadPoolExecutor(used.limit) as pool:
            running = [pool.submit(_run_job, job, build_log_path(logs, job.name), progress, used) for job in jobs]
            interrupted = _wait_for_all(running, used, progress)
    return _collect_results(jobs, running, progress, interrupted=interrupted)


@contextlib.contextmanager
def start_worker_ahead(function: str, name: str, logs: Path) -> Iterator[WorkerProcesses]:
    """Start the process of a job whose description is not known yet, so that libraries are loaded meanwhile.

    Parameters
    ----------
    function, name
        The job's.
    logs
        Folder for what it prints.

    Yields
    ------
    WorkerProcesses
        For :func:`run_jobs`; the process ends with the block, whether or not there was a job.
    """
    with WorkerProcesses(1) as processes:
        processes.start_ahead(function.partition(":")[0], build_log_path(logs, name))
        yield processes


def build_log_path(logs: Path, name: str) -> Path:
    """Return the file of what a job's process prints."""
    return logs / f"{name}.log"


def _wait_for_all(running: Sequence[Future[Any]], processes: WorkerProcesses, progress: Progress) -> bool:
    """Wait for all jobs, also after an interruption; whether there was one."""
    try:
        try:
            _wait(running)
        except KeyboardInterrupt:
            processes.stop()
            _cancel(running)
            progress.note("Stopping once the step is finished and saved; Ctrl-C again stops at once.")
            _wait(running)
            return True
    except BaseException:
        _cancel(running)
        processes.kill()
        raise
    return False


def _wait(running: Sequence[Future[Any]]) -> None:
    while wait(running, _POLL_SECONDS).not_done:
        pass


def _cancel(running: Sequence[Future[Any]]) -> None:
    for future in running:
        future.cancel()


def _collect_results(
    jobs: Sequence[Job], ended: Sequence[Future[Any]], progress: Progress, *, interrupted: bool
) -> list[Any]:
    """Return what the jobs returned, or raise what kept them from it."""
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
    with processes.borrow_slot() as slot, processes.run_in_slot(job, log, slot) as process:
        job_progress = _JobProgress(progress, job.name)
        with _report_job(process.pid, job_progress):
            return _follow(job, process, log, job_progress)


class _JobProgress(Progress):
    """Adds a job's name to its events."""

    def __init__(self, progress: Progress, job: str) -> None:
        self._progress = progress
        self._job = job

    def emit(self, event: Event) -> None:
        self._progress.emit(replace(event, job=self._job))


@contextlib.contextmanager
def _report_job(process: int, progress: Progress) -> Iterator[None]:
    """Report when a job begins and how it ends."""
    progress.emit(JobBegan(process))
    began, reason, stopped = time.monotonic(), "", False
    try:
        yield
    except errors.Interrupted:
        stopped = True
        raise
    except BaseException as error:
        reason = str(error) or type(error).__name__
        raise
    finally:
        progress.emit(JobEnded(round(time.monotonic() - began, 3), reason, stopped))


def _follow(job: Job, process: subprocess.Popen[str], log: Path, progress: Progress) -> Any:
    """Pass a job's events on until it ends; return its result, or raise its error."""
    if process.stdout is None:
        raise RuntimeError("A job's process was started without pipes.")
    ended = _relay(process.stdout, progress, job.name)
    # One that is to take another job does not end.
    code = 0 if ended and job.shares_process else process.wait()
    if "result" in ended:
        return ended["result"]
    if "error" in ended:
        raise getattr(errors, ended["error"])(ended["text"])
    # Ctrl-C may reach a process before it has learned to leave that to us.
    if "interrupted" in ended or code == -signal.SIGINT:
        raise errors.Interrupted(*ended.get("interrupted", ()))
    raise errors.JobFailed(
        f"The job {job.name} ended without a result ({_describe_exit(code)}); the end of {log}: {_read_last_lines(log)}"
    )


def _relay(lines: IO[str], progress: Progress, name: str) -> Mapping[str, Any]:
    """Pass events on until the job ends; return how it ended: its result, its error, or nothing if it died."""
    start_up = progress.start(f"{name}: start-up", 1)
    for number, line in enumerate(lines):
        if number == 0:
            # Until now libraries were loaded.
            start_up.advance()
            start_up.finish()
        content: dict[str, Any] = json.loads(line)
        if "event" not in content:
            return content
        progress.emit(read_event(content))
    return {}


def _describe_exit(code: int) -> str:
    if code == -9:
        return "killed, most likely for want of memory; try a smaller --batch-size"
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _read_last_lines(log: Path) -> str:
    lines = log.read_text("utf-8", errors="replace").strip().splitlines()
    return " | ".join(lines[-_LAST_LINES:]) or "nothing was printed"
