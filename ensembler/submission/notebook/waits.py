"""How long to wait for what takes Kaggle minutes or hours, and how often to look."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

from ...progress import Progress
from ..kaggle.errors import PassingError

GROWTH = 1.5


@dataclass(frozen=True)
class Waits:
    """Limits of waiting, all in seconds.

    Attributes
    ----------
    longest
        For each of the steps: the dataset, the notebook's run, the score. Kaggle lets a notebook run for 12 hours.
    first, most
        Between two looks, at first and at most.
    settling
        How long what Kaggle shows may still be what was there before.
    """

    longest: float = 12 * 3600.0
    first: float = 5.0
    most: float = 60.0
    settling: float = 300.0

    def looks(self) -> Iterator[float]:
        """Give the seconds that have passed, now and after each pause, until the time is up."""
        began, pause = time.monotonic(), self.first
        yield 0.0
        while (left := self.longest - (time.monotonic() - began)) > 0:
            time.sleep(min(pause, left))
            pause = min(pause * GROWTH, self.most)
            yield time.monotonic() - began

    def late(self, what: str, status: str) -> str:
        """Say that time is up, but for the full stop."""
        return (
            f"Kaggle has not finished {what} within {self.longest / 60:.0f} minutes ({status.lower() or 'no answer'})"
        )


USUAL = Waits()


@contextlib.contextmanager
def patiently(progress: Progress) -> Iterator[None]:
    """Take trouble that may pass for nothing new, while we wait anyway."""
    try:
        yield
    except PassingError as trouble:
        progress.note(f"{trouble} Still waiting.")
