"""The process of one job: reads it from standard input, runs it, and tells how it goes in lines of JSON."""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any, TextIO

from ..errors import EnsemblerError, StorageError
from ..events import Event
from ..progress import Progress, Task
from .job import Job


class LineTask(Task):
    """Tells its steps in lines."""

    def __init__(self, events: EventLines, number: int) -> None:
        self._events = events
        self._number = number

    def advance(self, steps: int = 1) -> None:
        """Tell ``steps`` more."""
        self._events.send("advance", task=self._number, steps=steps)

    def finish(self) -> None:
        """Tell the end."""
        self._events.send("finish", task=self._number)


class EventLines(Progress):
    """Progress as lines of JSON for the process that waits."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._tasks = 0

    def send(self, event: str, **content: Any) -> None:
        """Write one event."""
        self._stream.write(json.dumps({"event": event, **content}) + "\n")
        self._stream.flush()

    def start(self, label: str, total: int) -> Task:
        """Tell the beginning of a stretch of work."""
        self._tasks += 1
        self.send("start", task=self._tasks, label=label, total=total)
        return LineTask(self, self._tasks)

    def start_photos(self, label: str, total: int, *, photos: float = 1, work: float = 0) -> Task:
        """Tell the beginning of a stretch that takes photos through a network."""
        self._tasks += 1
        self.send("start", task=self._tasks, label=label, total=total, photos=photos, work=work)
        return LineTask(self, self._tasks)

    def tell(self, event: Event) -> None:
        """Pass a fact on."""
        self.send("tell", told=event.to_json())

    def note(self, text: str) -> None:
        """Tell something worth knowing."""
        self.send("note", text=text)

    def warn(self, text: str) -> None:
        """Tell something to be looked at."""
        self.send("warn", text=text)


def main() -> int:
    """Run the job on standard input; what libraries print goes to standard error, the log."""
    job = Job.from_line(sys.stdin.readline())
    events = EventLines(os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8"))
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    module, function = job.function.split(":")
    try:
        result = getattr(importlib.import_module(module), function)(job.told, events)
    except EnsemblerError as error:
        return _told(error, events)
    except OSError as error:
        if not StorageError.is_refusal(error):
            raise
        return _told(StorageError.from_os(error), events)
    events.send("result", value=result)
    return 0


def _told(error: EnsemblerError, events: EventLines) -> int:
    events.send("error", kind=type(error).__name__, text=str(error))
    return 1


if __name__ == "__main__":
    sys.exit(main())
