"""The process of jobs: reads them from standard input, runs them, and reports events as lines of JSON."""

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
from ..progress import Progress
from .control import Control
from .job import Job


class EventLines(Progress):
    """Writes events as lines of JSON for the process that waits, which may ask the job to stop in return."""

    def __init__(self, stream: TextIO, control: Control) -> None:
        self._stream = stream
        self._control = control

    @property
    def stopping(self) -> bool:
        """Whether the process that waits asked for the end, or has died."""
        return self._control.stopping

    def emit(self, event: Event) -> None:
        """Write an event."""
        self.send(event.to_json())

    def send(self, content: dict[str, Any]) -> None:
        """Write a line."""
        try:
            self._stream.write(json.dumps(content) + "\n")
            self._stream.flush()
        except BrokenPipeError:
            # Nobody waits any more: the work is to be saved, whatever it was about to tell.
            self._control.stop()


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
        events.send({"interrupted": error.places})
        return 1
    except OSError as error:
        if not StorageError.is_refusal(error):
            raise
        return _send_error(StorageError.from_os(error), events)
    events.send({"result": result})
    return 0


def _send_error(error: EnsemblerError, events: EventLines) -> int:
    events.send({"error": type(error).__name__, "text": str(error)})
    return 1


if __name__ == "__main__":
    ended = main(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    # Everything is told and written by now, and TensorFlow takes a second to take itself down.
    os._exit(ended)
