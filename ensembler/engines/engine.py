"""What every engine offers: it runs jobs, and knows the hardware that runs them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, Self

from ..progress import Progress
from .hardware import Hardware
from .job import Job, Needs


class Engine(Protocol):
    """Runs jobs, on this machine or on others. A context manager, whose exit ends all processes that it started."""

    def __enter__(self) -> Self:
        """Make the engine ready for jobs."""

    def __exit__(self, *_: object) -> None:
        """End all processes that the engine started."""

    def detect_hardware(self) -> Hardware:
        """Detect the hardware that a job gets. Machines that differ are described by their smallest values."""

    def count_slots(self, needs: Needs) -> int:
        """Return the number of jobs with these needs that run at the same time."""

    def start_ahead(self, function: str, name: str, logs: Path) -> AbstractContextManager[None]:
        """Start the process of a job before its description is known, so that libraries load in the meantime.

        Parameters
        ----------
        function, name
            Function and name of the job.
        logs
            Folder for the output of the process.

        Returns
        -------
        AbstractContextManager
            A block in which :meth:`run_jobs` uses the process. An engine whose jobs run elsewhere may start none.
        """

    def run_each(self, jobs: Sequence[Job], logs: Path, progress: Progress) -> list[Any]:
        """Run jobs as :meth:`run_jobs` does, and return the error of each that failed in place of its result."""

    def run_jobs(self, jobs: Sequence[Job], logs: Path, progress: Progress) -> list[Any]:
        """Run jobs, the most urgent first. If one fails, the others still run, except those that come after it.

        An interruption (Ctrl-C) asks the running jobs to save their state and end, and starts no other job. A second
        one kills them.

        Parameters
        ----------
        jobs
            Jobs to run.
        logs
            Folder for the output of the processes.
        progress
            Receiver of the events of the jobs.

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
