"""Waiting for file locks, with progress."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from .errors import Busy
from .locks import hold_lock
from .progress import Progress, Task

# Seconds between two attempts to take a lock.
POLL_SECONDS = 0.2
# A shorter wait is not shown.
SECONDS_BEFORE_REPORT = 2.0


@contextlib.contextmanager
def wait_for_lock(path: Path, what: str, progress: Progress) -> Iterator[None]:
    """Wait for a lock and hold it within the block. A wait is shown if it takes seconds.

    Parameters
    ----------
    path
        Path of the lock file.
    what
        Description of what is locked, for messages.

    Raises
    ------
    Interrupted
        If the work is asked to stop while it waits.
    """
    from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_fixed

    task: Task | None = None

    def report_wait(state: RetryCallState) -> None:
        nonlocal task
        progress.raise_if_stopping(f"before {what}")
        if state.attempt_number == 1 and state.outcome:
            progress.note(str(state.outcome.exception()), detail=True)
        if task is None and (state.seconds_since_start or 0) >= SECONDS_BEFORE_REPORT:
            task = progress.start(f"{what}: waiting", 0)
        if task:
            # A log gets a line from time to time.
            task.advance(0)

    with contextlib.ExitStack() as stack:
        retrying = Retrying(
            retry=retry_if_exception_type(Busy), wait=wait_fixed(POLL_SECONDS), before_sleep=report_wait
        )
        try:
            retrying(lambda: stack.enter_context(hold_lock(path, what)))
        finally:
            if task:
                task.finish()
        yield
