"""Jobs on this machine, each in a process of its own, so that a library's leaks end with it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from .. import errors
from ..events import JobBegan, JobEnded, JobsPlanned, PlannedJob, read_event
from ..progress import Progress, Task
from .job import Job
from .worker_processes import WorkerProcesses

_LAST_LINES = 5


def run_jobs(
    jobs: Sequence[Job], logs: Path, progress: Progress, parallel: int = 1, gpus: Sequence[str] = ()
) -> list[Any]:
    """Run jobs; one that fails does not keep the others from running.

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
    """
    results, failures = [], []
    processes = WorkerProcesses(parallel, gpus)
    planned = tuple(PlannedJob(job.name, job.member, tuple(job.folds), job.work) for job in jobs)
    progress.tell(JobsPlanned(planned, processes.limit))
    with ThreadPoolExecutor(processes.limit) as pool:
        running = [pool.submit(_run, job, logs / f"{job.name}.log", progress, processes) for job in jobs]
        with _ended_with_us(running, processes):
            for future in running:
                try:
                    results.append(future.result())
                except errors.EnsemblerError as error:
                    failures.append(error)
    if failures and len({str(error) for error in failures}) == 1:
        raise failures[0]
    if failures:
        raise errors.JobFailed(" ".join(str(error) for error in failures))
    return results


@contextlib.contextmanager
def _ended_with_us(waiting: Sequence[Future[Any]], processes: WorkerProcesses) -> Iterator[None]:
    """Start no further job and kill those that run when the block is left by an interruption."""
    try:
        yield
    except BaseException:
        for future in waiting:
            future.cancel()
        processes.kill()
        raise


def _run(job: Job, log: Path, progress: Progress, processes: WorkerProcesses) -> Any:
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        sink = log.open("wb")
    except OSError as error:
        raise errors.StorageError.from_os(error) from error
    with sink, processes.slot() as environment, processes.start(sink, environment) as process:
        heard = progress.of_job(job.name)
        try:
            with _beginning_and_end(job, process.pid, heard):
                return _follow(job, process, log, heard)
        finally:
            process.kill()


@contextlib.contextmanager
def _beginning_and_end(job: Job, process: int, progress: Progress) -> Iterator[None]:
    """Tell when a job begins and how it ends."""
    progress.tell(JobBegan(job.name, process))
    began, trouble = time.monotonic(), ""
    try:
        yield
    except BaseException as error:
        trouble = str(error) or type(error).__name__
        raise
    finally:
        progress.tell(JobEnded(job.name, round(time.monotonic() - began, 3), trouble))


def _follow(job: Job, process: subprocess.Popen[str], log: Path, progress: Progress) -> Any:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("A job's process was started without pipes.")
    process.stdin.write(job.to_line())
    process.stdin.close()
    ended = _relay(process.stdout, progress, progress.start(f"{job.name}: start-up", 1))
    code = process.wait()
    if ended.get("event") == "result":
        return ended["value"]
    if ended.get("event") == "error":
        raise getattr(errors, ended["kind"])(ended["text"])
    raise errors.JobFailed(
        f"The job {job.name} ended without a result ({_exit_in_words(code)}); the end of {log}: {_last_lines(log)}"
    )


def _relay(lines: IO[str], progress: Progress, start_up: Task) -> Mapping[str, Any]:
    """Pass events on to ``progress`` until the process ends; return the last one, its result or error.

    ``start_up`` ends with the first event: until then libraries are loaded.
    """
    tasks: dict[int, Task] = {}
    ended: Mapping[str, Any] = {}
    for number, line in enumerate(lines):
        event = json.loads(line)
        if number == 0:
            start_up.advance()
            start_up.finish()
        match event["event"]:
            case "start":
                tasks[event["task"]] = _start(event, progress)
            case "advance":
                tasks[event["task"]].advance(event["steps"])
            case "finish":
                tasks.pop(event["task"]).finish()
            case "note":
                progress.note(event["text"])
            case "warn":
                progress.warn(event["text"])
            case "tell":
                progress.tell(read_event(event["told"]))
            case _:
                ended = event
    for task in (start_up, *tasks.values()):
        task.finish()
    return ended


def _start(event: Mapping[str, Any], progress: Progress) -> Task:
    if "photos" in event:
        return progress.start_photos(event["label"], event["total"], photos=event["photos"], work=event["work"])
    return progress.start(event["label"], event["total"])


def _exit_in_words(code: int) -> str:
    if code == -9:
        return "killed, most likely for want of memory; try a smaller --batch-size"
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _last_lines(log: Path) -> str:
    lines = log.read_text("utf-8", errors="replace").strip().splitlines()
    return " | ".join(lines[-_LAST_LINES:]) or "nothing was printed"
