"""How work tells how far it is. The base class is silent; the console and the job processes have louder ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from .errors import Interrupted

T = TypeVar("T")


class Task:
    """One stretch of work of known length; ``advance`` as it goes, ``finish`` when done."""

    def advance(self, steps: int = 1) -> None:
        """Say that ``steps`` more are done."""

    def finish(self) -> None:
        """Say that the work is over, whether or not all steps were counted."""


class Progress:
    """Where work reports to, and where it hears that it should end. This one keeps silent."""

    @property
    def stopping(self) -> bool:
        """Whether the work should save what it has and end by :class:`~ensembler.errors.Interrupted`."""
        return False

    def go_on(self, place: str) -> None:
        """Do nothing, unless the work should end.

        Raises
        ------
        Interrupted
            At ``place``, such as ``in the heads of b0``.
        """
        if self.stopping:
            raise Interrupted(place)

    def until_stopped(self, items: Iterable[T], place: str) -> Iterator[T]:
        """Pass ``items`` through, unless the work should end; see :meth:`go_on`."""
        for item in items:
            self.go_on(place)
            yield item

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
        """Pass ``items`` through, one step each, unless the work should end."""
        task = self.start(label, total)
        try:
            for item in items:
                self.go_on(f"in {label}")
                yield item
                task.advance()
        finally:
            task.finish()


SILENT = Progress()
