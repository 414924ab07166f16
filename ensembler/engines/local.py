"""The engine of this machine: jobs in separate processes, so that leaks of libraries end with their process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Self, cast

from .. import errors
from ..events import JobBegan
from ..machine_limits import count_usable_processors
from ..progress import Progress
from .dispatch import require_results, run_all
from .hardware import Hardware, detect_hardware
from .job import Job, Needs
from .relay import read_end, relay_events, report_end
from .worker_processes import WorkerProcesses


class LocalEngine:
    """Engine of this machine. Its jobs divide the processors, or the GPUs.

    Parameters
    ----------
    job_processors
        Number of processors of a job without a GPU. None leaves it to the jobs.
    """

    def __init__(self, job_processors: int | None = None) -> None:
        self._job_processors = job_processors
        self._started_ahead: WorkerProcesses | None = None

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
        """Return the number of jobs that share the GPUs if they need some, or else the processors."""
        if needs.gpus:
            return max(1, len(self._hardware.gpus) // needs.gpus)
        processors = count_usable_processors()
        return max(1, processors // (self._job_processors or needs.processors or processors))

    @contextlib.contextmanager
    def start_ahead(self, function: str, name: str, logs: Path) -> Iterator[None]:
        """Start the process of a job before its description is known; see :func:`start_worker_ahead`."""
        with start_worker_ahead(function, name, logs) as self._started_ahead:
            try:
                yield
            finally:
                self._started_ahead = None

    def run_each(self, jobs: Sequence[Job], logs: Path, progress: Progress) -> list[Any]:
        """Run jobs; see :meth:`.Engine.run_each`."""
        with contextlib.ExitStack() as stack:
            processes = self._started_ahead or stack.enter_context(self._make_processes(jobs))
            return run_all(jobs, logs, progress, _LocalRunner(processes))

    def run_jobs(self, jobs: Sequence[Job], logs: Path, progress: Progress) -> list[Any]:
        """Run jobs; see :meth:`.Engine.run_jobs`."""
        return require_results(jobs, self.run_each(jobs, logs, progress))

    def _make_processes(self, jobs: Sequence[Job]) -> WorkerProcesses:
        one_each = any(job.needs.gpus == 1 for job in jobs)
        gpus = [gpu.identity for gpu in self._hardware.gpus] if one_each else []
        return WorkerProcesses(min((self.count_slots(job.needs) for job in jobs), default=1), gpus)


def run_jobs(
    jobs: Sequence[Job],
    logs: Path,
    progress: Progress,
    parallel: int = 1,
    gpus: Sequence[str] = (),
    processes: WorkerProcesses | None = None,
) -> list[Any]:
    """Run jobs in a given number of slots; see :meth:`.Engine.run_jobs`.

    Parameters
    ----------
    jobs, logs, progress
        Arguments of :meth:`.Engine.run_jobs`.
    parallel
        Number of processes at a time, which share the processors. Ignored if ``gpus`` is given.
    gpus
        GPUs by their names in ``CUDA_VISIBLE_DEVICES``. Each runs one job at a time. Without any, each job sees all
        GPUs.
    processes
        Processes to use instead of new ones, see :func:`start_worker_ahead`.
    """
    with contextlib.ExitStack() as stack:
        used = processes or stack.enter_context(WorkerProcesses(parallel, gpus))
        return require_results(jobs, run_all(jobs, logs, progress, _LocalRunner(used)))


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
        processes.start_ahead(function.partition(":")[0], logs / f"{name}.log")
        yield processes


class _LocalRunner:
    """Runner of jobs in processes of this machine."""

    ahead = 0

    def __init__(self, processes: WorkerProcesses) -> None:
        self._processes = processes
        self.limit = processes.limit
        self.stop = processes.stop
        self.kill = processes.kill

    def hand_over(self, job: Job, log: Path) -> None:
        """Do nothing, because each slot takes one job."""

    def run(self, job: Job, log: Path, progress: Progress) -> Any:
        """Run a job in the process of a free slot."""
        with self._processes.run(job, log) as process:
            progress.emit(JobBegan(process.pid))
            with report_end(progress):
                end = relay_events(cast("IO[str]", process.stdout), progress, job.name)
                # A process that may run another job does not exit.
                code = 0 if end and job.shares_process else process.wait()
                try:
                    return read_end(job, end, code, log)
                except errors.JobFailed as error:
                    if self._processes.was_killed:
                        # The second Ctrl-C ended it, so it has not failed.
                        raise errors.Interrupted from error
                    raise
