"""The pace of work, measured so that slow first steps and the report of an earlier run hardly matter."""

from __future__ import annotations

from dataclasses import dataclass, field

# Advances that are measured before there is a pace, unless they are a good part of all steps.
_MIN_ADVANCES, _GOOD_PART = 8, 0.2
# A report of what an earlier run did comes within this many seconds of the beginning. The first step follows it.
_REPORT_SECONDS = 0.05


@dataclass
class Pace:
    """Amounts of work and the seconds that they took.

    The first steps of a network take long, because they compile, measure runtimes or wait for the first photos. So the
    pace is that of the later half of all measured advances.
    """

    _amounts: list[float] = field(default_factory=list)
    _seconds: list[float] = field(default_factory=list)

    def add(self, amount: float, seconds: float) -> None:
        """Add a measured advance."""
        self._amounts.append(amount)
        self._seconds.append(seconds)

    def measure(self, total: float = 0.0) -> float | None:
        """Return the amount per second. None before enough was measured.

        Parameters
        ----------
        total
            Amount of all work, of which a good part is enough. 0 if unknown.
        """
        advances = len(self._amounts)
        if advances < _MIN_ADVANCES and not (total and sum(self._amounts) >= _GOOD_PART * total):
            return None
        later = advances // 2
        seconds = sum(self._seconds[later:])
        return sum(self._amounts[later:]) / seconds if seconds > 0 else None


@dataclass
class Stopwatch:
    """The advances of a task that began at a time, without those that do not show its pace.

    These are the first one, which compiles, and before it a report of the steps of an earlier run.
    """

    began: float
    latest: float = 0.0
    _first: float | None = None
    _skipped: bool = False

    def advance(self, steps: int, now: float) -> tuple[int, float]:
        """Return the number of measured steps and their seconds."""
        before, self.latest = self.latest, now
        if not steps:
            return 0, 0.0
        if self._first is None:
            self._first = now
            self._skipped = now - self.began > _REPORT_SECONDS
            return 0, 0.0
        if not self._skipped:
            self._skipped = True
            return 0, 0.0
        return steps, now - before
