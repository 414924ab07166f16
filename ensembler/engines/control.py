"""The messages that a job's process receives from its parent: jobs, and possibly a request to stop."""

from __future__ import annotations

import io
import sys
from queue import SimpleQueue
from threading import Event, Thread

STOP_LINE = "stop"


class Control:
    """Standard input of a job's process: one line per job, and possibly the line :data:`STOP_LINE`.

    The end of the input means that no job follows. During a job it means that the parent died, which also requests a
    stop, so that no training continues unattended.

    The input is read unbuffered, because a thread that waits inside a buffer would prevent Python from exiting.
    """

    def __init__(self, descriptor: int | None = None) -> None:
        self._stream = io.FileIO(sys.stdin.fileno() if descriptor is None else descriptor, closefd=False)
        self._stop = Event()
        self._jobs: SimpleQueue[str] = SimpleQueue()
        Thread(target=self._listen, name="control", daemon=True).start()

    def wait_for_job(self) -> str:
        """Wait for the line of the next job. An empty line means that there is none."""
        return self._jobs.get()

    def _listen(self) -> None:
        while (line := self._stream.readline().decode("utf-8", "replace")) and line.strip() != STOP_LINE:
            self._jobs.put(line)
        self._stop.set()
        self._jobs.put("")

    def stop(self) -> None:
        """Request a stop from within the process, because its output is no longer read."""
        self._stop.set()

    @property
    def stopping(self) -> bool:
        """Whether the job should save its state and end."""
        return self._stop.is_set()
