"""One task: how far it is, and how fast."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class TaskState:
    """A task, described by :class:`~ensembler.events.TaskBegan`, that began at the time ``began``.

    Its speed is measured from its first advance to its latest. The first one does not count: it took the time of
    compiling a network, or reported what an earlier run had done, which took none.
    """

    label: str
    total: int
    began: float
    photos: float = 0
    work: float = 0
    done: int = 0
    unit: str = ""
    _first: tuple[float, int] | None = None
    _latest: float = 0

    def __post_init__(self) -> None:
        self.done_before = self.done

    @property
    def activity(self) -> str:
        """The label without who does it."""
        return self.label.rpartition(": ")[2]

    def advance(self, steps: int, now: float) -> tuple[int, float]:
        """Count steps; return how many of them were measured, and their seconds."""
        self.done += steps
        before, self._latest = self._latest, now
        if self._first is None:
            self._first = (now, self.done)
            return 0, 0.0
        return steps, now - before

    @property
    def rate(self) -> float | None:
        """Steps a second; None before it was measured."""
        if self._first is None or self._latest <= self._first[0]:
            return None
        return (self.done - self._first[1]) / (self._latest - self._first[0])

    def estimate_seconds_left(self, now: float) -> float | None:
        """Seconds that the rest will take; None before that can be told."""
        if not self.rate or not self.total:
            return None
        return max(0.0, (self.total - self.done) / self.rate - (now - self._latest))
