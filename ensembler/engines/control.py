"""What a job's process hears from the one that started it: jobs, then perhaps that it should stop."""

from __future__ import annotations

import io
import sys
from queue import SimpleQueue
from threading import Event, Thread

STOP_LINE = "stop"


class Control:
    """Standard input of a job's process: a line for each job, and perhaps a line :data:`STOP_LINE`.

    Its end means that no other job follows. Within a job it means that the parent has died, which asks for a stop too,
    so that nobody goes on training unseen.

    It is read without a buffer: a thread that waits inside of one would keep Python from ending.
    """

    def __init__(self, descriptor: int | None = None) -> None:
        self._stream = io.FileIO(sys.stdin.fileno() if descriptor is None else descriptor, closefd=False)
        self._stop = Event()
        self._jobs: SimpleQueue[str] = SimpleQueue()
        Thread(target=self._listen, name="control", daemon=True).start()

    def wait_for_job(self) -> str:
        """Wait for the line of the next job; it is empty if there is none."""
        return self._jobs.get()

    def _listen(self) -> None:
        while (line := self._stream.readline().decode("utf-8", "replace")) and line.strip() != STOP_LINE:
            self._jobs.put(line)
        self._stop.set()
        self._jobs.put("")

    def stop(self) -> None:
        """Ask for the stop from within: nobody listens any more."""
        self._stop.set()

    @property
    def stopping(self) -> bool:
        """Whether the job should save what it has and end."""
        return self._stop.is_set()
