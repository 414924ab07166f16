"""The process of jobs: it reads them from standard input, and writes events and results as lines of JSON."""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from ..compilation_cache import keep_compiled_steps
from ..errors import EnsemblerError, Interrupted, StorageError
from ..events import Event
from ..keras_backend import find_backend
from ..process_memory import release_memory
from ..progress import Progress
from .control import Control
from .job import Job


class EventLines(Progress):
    """Writer of events as lines of JSON for the parent process, which may request a stop."""

    def __init__(self, stream: TextIO, control: Control) -> None:
        self._stream = stream
        self._control = control

    @property
    def stopping(self) -> bool:
        """Whether the parent process requested a stop or died."""
        return self._control.stopping

    def emit(self, event: Event) -> None:
        """Write an event as a line."""
        self.send(event.to_json())

    def send(self, content: dict[str, Any]) -> None:
        """Write data as a line of JSON."""
        try:
            self._stream.write(json.dumps(content) + "\n")
            self._stream.flush()
        except BrokenPipeError:
            # The parent died, so the job should save its state and end.
            self._control.stop()


def main(modules: Sequence[str] = ()) -> int:
    """Run the jobs of standard input, and return the exit code. The output of libraries goes to the log of each job.

    Parameters
    ----------
    modules
        Modules to import before the first job arrives.
    """
    # A terminal sends Ctrl-C to all processes. The parent handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if find_backend() == "jax":
        keep_compiled_steps()
    control = Control()
    events = EventLines(os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8"), control)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    for module in modules:
        importlib.import_module(module)
    succeeded = False
    while line := control.wait_for_job():
        job, log = Job.from_line(line)
        _redirect_output(log)
        succeeded = _run_job(job, events)
        if not (succeeded and job.shares_process):
            break
    return 0 if succeeded else 1


def _redirect_output(log: Path) -> None:
    """Append all further output to a job's log."""
    sys.stderr.flush()
    with log.open("ab") as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())


def _run_job(job: Job, events: EventLines) -> bool:
    """Run a job, send how it ended, and return whether it succeeded. Bugs are raised."""
    module, function = job.function.split(":")
    try:
        end = {"result": getattr(importlib.import_module(module), function)(job.spec, events)}
    except Interrupted as interruption:
        end = {"interrupted": interruption.places}
    except (EnsemblerError, OSError) as error:
        if isinstance(error, OSError):
            if not StorageError.is_refusal(error):
                raise
            error = StorageError.from_os(error)
        end = {"error": type(error).__name__, "text": str(error)}
    if job.shares_process:
        release_memory()
    events.send(end)
    return "result" in end


if __name__ == "__main__":
    exit_code = main(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    # All results are sent and written. TensorFlow's shutdown would take a second.
    os._exit(exit_code)
