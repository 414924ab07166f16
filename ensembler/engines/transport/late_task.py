"""A task that is shown only if it takes more than two seconds."""

from __future__ import annotations

import time

from ...progress import Progress, Task

_SECONDS_BEFORE_REPORT = 2.0


class LateTask:
    """Task in bytes, which is reported after two seconds.

    Parameters
    ----------
    label, total
        Description and number of bytes.
    delay
        Seconds before it is reported.
    """

    def __init__(self, progress: Progress, label: str, total: int, delay: float = _SECONDS_BEFORE_REPORT) -> None:
        self._progress = progress
        self._label = label
        self._total = total
        self._report_at = time.monotonic() + delay
        self._done = 0
        self._task: Task | None = None

    def advance(self, count: int) -> None:
        """Report finished bytes."""
        self._done += count
        if self._task:
            self._task.advance(count)
        elif time.monotonic() >= self._report_at:
            self._task = self._progress.start(self._label, self._total, unit="bytes")
            self._task.advance(self._done)

    def finish(self) -> None:
        """Report the end, if the task was reported."""
        if self._task:
            self._task.finish()
