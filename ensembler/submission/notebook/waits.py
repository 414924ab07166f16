"""How long to wait for what takes Kaggle minutes or hours, and how often to look."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

from ...progress import Progress
from ..kaggle.errors import TransientError

PAUSE_GROWTH = 1.5


@dataclass(frozen=True)
class PollingPolicy:
    """Limits of waiting, all in seconds.

    Attributes
    ----------
    timeout
        For each of the steps: the dataset, the notebook's run, the score. Kaggle lets a notebook run for 12 hours.
    first_pause, max_pause
        Between two looks, at first and at most.
    settling_seconds
        How long what Kaggle shows may still be what was there before.
    """

    timeout: float = 12 * 3600.0
    first_pause: float = 5.0
    max_pause: float = 60.0
    settling_seconds: float = 300.0

    def iterate_elapsed(self) -> Iterator[float]:
        """Give the seconds that have passed, now and after each pause, until the time is up."""
        began, pause = time.monotonic(), self.first_pause
        yield 0.0
        while (left := self.timeout - (time.monotonic() - began)) > 0:
            time.sleep(min(pause, left))
            pause = min(pause * PAUSE_GROWTH, self.max_pause)
            yield time.monotonic() - began

    def describe_timeout(self, what: str, status: str) -> str:
        """Say that time is up, but for the full stop."""
        return (
            f"Kaggle has not finished {what} within {self.timeout / 60:.0f} minutes ({status.lower() or 'no answer'})"
        )


DEFAULT_POLLING = PollingPolicy()


@contextlib.contextmanager
def tolerate_transient_errors(progress: Progress) -> Iterator[None]:
    """Take trouble that may pass for nothing new, while we wait anyway."""
    try:
        yield
    except TransientError as error:
        progress.note(f"{error} Still waiting.")
