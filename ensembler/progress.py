"""How work tells how far it is. The base class is silent; the console and the job processes have louder ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


class Task:
    """One stretch of work of known length; ``advance`` as it goes, ``finish`` when done."""

    def advance(self, steps: int = 1) -> None:
        """Say that ``steps`` more are done."""

    def finish(self) -> None:
        """Say that the work is over, whether or not all steps were counted."""


class Progress:
    """Where work reports to. This one keeps silent."""

    def start(self, label: str, total: int) -> Task:
        """Begin a stretch of ``total`` steps under ``label``."""
        del label, total
        return Task()

    def start_bytes(self, label: str, total: int, done: int = 0) -> Task:
        """Begin a stretch of ``total`` bytes, 0 if unknown, of which ``done`` were there before."""
        task = self.start(label, total)
        task.advance(done)
        return task

    def note(self, text: str) -> None:
        """Tell something worth knowing."""

    def warn(self, text: str) -> None:
        """Tell something that a person may want to change."""

    def track(self, items: Iterable[T], label: str, total: int) -> Iterator[T]:
        """Pass ``items`` through, one step each."""
        task = self.start(label, total)
        try:
            for item in items:
                yield item
                task.advance()
        finally:
            task.finish()


SILENT = Progress()
