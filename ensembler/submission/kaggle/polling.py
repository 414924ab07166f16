"""Polling of Kaggle for results that take minutes or hours."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ...progress import Progress
from .errors import TransientError

T = TypeVar("T")
PAUSE_GROWTH = 1.5


@dataclass(frozen=True)
class PollingPolicy:
    """Limits of polling, all in seconds.

    Attributes
    ----------
    timeout
        Timeout of each step: the dataset, the notebook's run, the score. Kaggle lets a notebook run for 12 hours.
    first_pause, max_pause
        First and longest pause between two requests.
    settling_seconds
        Time in which Kaggle may still show the state of the previous version.
    """

    timeout: float = 12 * 3600.0
    first_pause: float = 5.0
    max_pause: float = 60.0
    settling_seconds: float = 300.0

    def poll(self, look: Callable[[float], T | None], progress: Progress, label: str) -> T | None:
        """Call ``look`` with the elapsed seconds until it returns a value; return None after the timeout.

        Transient errors do not end the polling. Each text is reported once.
        """
        began, pause, reported = time.monotonic(), self.first_pause, set[str]()
        task = progress.start(label, 0)
        try:
            while True:
                retry_after = 0.0
                try:
                    if (found := look(time.monotonic() - began)) is not None:
                        return found
                except TransientError as error:
                    retry_after = error.retry_after or 0.0
                    if str(error) not in reported:
                        progress.note(f"{error} Still waiting.")
                        reported.add(str(error))
                if (left := self.timeout - (time.monotonic() - began)) <= 0:
                    return None
                time.sleep(min(max(pause, retry_after), left))
                pause = min(pause * PAUSE_GROWTH, self.max_pause)
        finally:
            task.finish()

    def describe_timeout(self, what: str, status: str) -> str:
        """Return the message of a timeout, without the full stop."""
        return (
            f"Kaggle has not finished {what} within {self.timeout / 60:.0f} minutes ({status.lower() or 'no answer'})"
        )


DEFAULT_POLLING = PollingPolicy()
# A CSV is scored within minutes.
SCORE_POLLING = PollingPolicy(timeout=600.0, max_pause=5.0)
