"""The process of jobs: reads them from standard input, runs them, and tells how they go in lines of JSON."""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from ..errors import EnsemblerError, Interrupted, StorageError
from ..events import Event
from ..progress import Progress, Task
from .control import Control
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
    """Progress as lines of JSON for the process that waits, which may ask for the end in return."""

    def __init__(self, stream: TextIO, control: Control) -> None:
        self._stream = stream
        self._control = control
        self._tasks = 0

    @property
    def stopping(self) -> bool:
        """Whether the process that waits asked for the end, or has died."""
        return self._control.stopping

    def send(self, event: str, **content: Any) -> None:
        """Write one event."""
        try:
            self._stream.write(json.dumps({"event": event, **content}) + "\n")
            self._stream.flush()
        except BrokenPipeError:
            # Nobody waits any more: the work is to be saved, whatever it was about to tell.
            self._control.stop()

    def start(self, label: str, total: int) -> Task:
        """Tell the beginning of a task of work."""
        self._tasks += 1
        self.send("start", task=self._tasks, label=label, total=total)
        return LineTask(self, self._tasks)

    def start_photos(self, label: str, total: int, *, photos: float = 1, work: float = 0) -> Task:
        """Tell the beginning of a task that takes photos through a network."""
        self._tasks += 1
        self.send("start", task=self._tasks, label=label, total=total, photos=photos, work=work)
        return LineTask(self, self._tasks)

    def tell(self, event: Event) -> None:
        """Pass a fact on."""
        self.send("tell", event_data=event.to_json())

    def note(self, text: str) -> None:
        """Tell something worth knowing."""
        self.send("note", text=text)

    def warn(self, text: str) -> None:
        """Tell something to be looked at."""
        self.send("warn", text=text)


def main(modules: Sequence[str] = ()) -> int:
    """Run the jobs on standard input; what libraries print goes to standard error, the log of each.

    Parameters
    ----------
    modules
        To be imported before there is a job.
    """
    # A terminal sends Ctrl-C to everybody; the parent hears it too and says what is to be done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = Control()
    events = EventLines(os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8"), control)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    for module in modules:
        importlib.import_module(module)
    code = 1
    while line := control.wait_for_job():
        job, log = Job.from_line(line)
        _redirect_output(log)
        code = _run_job(job, events)
        if code or not job.shares_process:
            break
    return code


def _redirect_output(log: Path) -> None:
    """Have what is printed from now on written at the end of a job's log."""
    sys.stderr.flush()
    with log.open("ab") as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())


def _run_job(job: Job, events: EventLines) -> int:
    module, function = job.function.split(":")
    try:
        result = getattr(importlib.import_module(module), function)(job.spec, events)
    except EnsemblerError as error:
        return _send_error(error, events)
    except Interrupted as error:
        events.send("interrupted", places=error.places)
        return 1
    except OSError as error:
        if not StorageError.is_refusal(error):
            raise
        return _send_error(StorageError.from_os(error), events)
    events.send("result", value=result)
    return 0


def _send_error(error: EnsemblerError, events: EventLines) -> int:
    events.send("error", kind=type(error).__name__, text=str(error))
    return 1


if __name__ == "__main__":
    ended = main(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    # Everything is told and written by now, and TensorFlow takes a second to take itself down.
    os._exit(ended)
