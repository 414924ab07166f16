"""What a job's process writes, passed on: its events to the displays, and its end as a result or an error."""

from __future__ import annotations

import contextlib
import json
import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import errors
from ..events import Event, JobEnded, read_event
from ..progress import Progress
from .job import Job

_LAST_LINES = 5


class JobProgress(Progress):
    """Progress that adds a job's name to its events."""

    def __init__(self, progress: Progress, job: str) -> None:
        self._progress = progress
        self._job = job

    def emit(self, event: Event) -> None:
        """Emit an event with the name of the job."""
        self._progress.emit(replace(event, job=self._job))


@contextlib.contextmanager
def report_end(progress: Progress) -> Iterator[None]:
    """Emit how the job of the block ended."""
    began, reason, stopped = time.monotonic(), "", False
    try:
        yield
    except errors.Interrupted:
        stopped = True
        raise
    except BaseException as error:
        reason = str(error) or type(error).__name__
        raise
    finally:
        progress.emit(JobEnded(round(time.monotonic() - began, 3), reason, stopped))


def relay_events(lines: Iterable[str], progress: Progress, name: str) -> Mapping[str, Any]:
    """Pass on a job's events, and return its last message: a result or an error. Empty if the process died."""
    start_up = progress.start(f"{name}: start-up", 1)
    for number, line in enumerate(lines):
        if number == 0:
            # The first line shows that the libraries are loaded.
            start_up.advance()
            start_up.finish()
        content: dict[str, Any] = json.loads(line)
        if "event" not in content:
            return content
        progress.emit(read_event(content))
    return {}


def read_end(job: Job, end: Mapping[str, Any], code: int, log: Path) -> Any:
    """Return the result of a job, or raise its error.

    Parameters
    ----------
    end
        Last message of the process. Empty if it died.
    code
        Exit code of the process. Negative for a signal.
    log
        Log of the job.

    Raises
    ------
    EnsemblerError
        If the job failed. :class:`.JobFailed` if its process died.
    Interrupted
        If the job was stopped.
    """
    if "result" in end:
        return end["result"]
    if "error" in end:
        raise getattr(errors, end["error"])(end["text"])
    # Ctrl-C may reach a process before it ignores the signal.
    if "interrupted" in end or code == -signal.SIGINT:
        raise errors.Interrupted(*end.get("interrupted", ()))
    if code == -9:
        reason = "killed, probably because memory ran out; try a smaller --batch-size"
    else:
        reason = f"signal {-code}" if code < 0 else f"exit code {code}"
    raise errors.JobFailed(f"The job {job.name} ended without a result ({reason}). {describe_log(log)}")


def describe_log(log: Path) -> str:
    """Return a sentence with the last lines of a log."""
    try:
        output = log.read_text("utf-8", errors="replace").strip().splitlines()[-_LAST_LINES:]
    except OSError:
        output = []
    return f"The last lines of {log} are: {' | '.join(output) or '(empty)'}"
