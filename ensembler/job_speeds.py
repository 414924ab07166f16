"""Durations of jobs, estimated from their work and from the jobs that have ended."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field


@dataclass
class _Total:
    """Sums over ended jobs."""

    work: float = 0.0
    seconds: float = 0.0
    jobs: int = 0

    def add(self, work: float, seconds: float) -> None:
        self.work += work
        self.seconds += seconds
        self.jobs += 1

    @property
    def speed(self) -> float | None:
        return self.work / max(1e-9, self.seconds) if self.work else None


@dataclass
class JobSpeeds:
    """Work and seconds of successful jobs, including their start-up, by the member that they trained."""

    _members: defaultdict[str, _Total] = field(default_factory=lambda: defaultdict(_Total))
    _all: _Total = field(default_factory=_Total)
    _without_work: _Total = field(default_factory=_Total)

    def add(self, member: str, work: float, seconds: float) -> None:
        """Record a job that succeeded. ``work`` is 0 if unknown, ``member`` is empty if it trained none."""
        for total in (self._members[member], self._all) if work else (self._without_work,):
            total.add(work, seconds)

    def measure_speed(self, member: str | None = None) -> float | None:
        """Return the work per second of a member's jobs, or of all jobs for None. None if none was measured."""
        total = self._all if member is None else self._members.get(member)
        return total.speed if total else None

    def measure_seconds_without_work(self) -> float | None:
        """Return the mean duration of jobs of unknown work. None if none has ended."""
        total = self._without_work
        return total.seconds / total.jobs if total.jobs else None

    def estimate_seconds(self, member: str, work: float) -> float | None:
        """Estimate the duration of a job from its member's jobs, or else from all. None if nothing alike has ended."""
        if not work:
            return self.measure_seconds_without_work()
        speed = self.measure_speed(member) or self.measure_speed()
        return work / speed if speed else None
