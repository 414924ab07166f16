"""What a job's process hears from the one that started it: its job, then perhaps that it should stop."""

from __future__ import annotations

import io
import sys
from threading import Event, Thread

STOP = "stop"


class Control:
    """Standard input of a job's process: a line with the job, then nothing, or a line :data:`STOP`.

    Its end means that the parent has died. That asks for a stop too, so that nobody goes on training unseen.

    It is read without a buffer: a thread that waits inside of one would keep Python from ending.
    """

    def __init__(self, descriptor: int | None = None) -> None:
        self._stream = io.FileIO(sys.stdin.fileno() if descriptor is None else descriptor, closefd=False)
        self._stop = Event()

    def job_line(self) -> str:
        """Wait for the job; from then on listen in the background."""
        line = self._stream.readline().decode("utf-8")
        Thread(target=self._listen, name="control", daemon=True).start()
        return line

    def _listen(self) -> None:
        while (line := self._stream.readline()) and line.decode("utf-8", "replace").strip() != STOP:
            pass
        self._stop.set()

    def stop(self) -> None:
        """Ask for the stop from within: nobody listens any more."""
        self._stop.set()

    @property
    def stopping(self) -> bool:
        """Whether the job should save what it has and end."""
        return self._stop.is_set()
