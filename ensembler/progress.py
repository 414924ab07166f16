"""How work tells how far it is. The base class is silent; the console and the job processes have louder ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, Self, TypeVar

from .errors import Interrupted
from .events import Event

T = TypeVar("T")


class Task:
    """One task, a piece of work of known length; ``advance`` as it goes, ``finish`` when done."""

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

    def raise_if_stopping(self, place: str) -> None:
        """Do nothing, unless the work should end.

        Raises
        ------
        Interrupted
            At ``place``, such as ``in the heads of b0``.
        """
        if self.stopping:
            raise Interrupted(place)

    def iterate_until_stopped(self, items: Iterable[T], place: str) -> Iterator[T]:
        """Pass ``items`` through, unless the work should end; see :meth:`raise_if_stopping`."""
        for item in items:
            self.raise_if_stopping(place)
            yield item

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        del error

    def start(self, label: str, total: int) -> Task:
        """Begin a task of ``total`` steps.

        Who works, if anybody is to be told apart, stands in ``label`` before what is done and a colon: ``b0: heads``.
        """
        del label, total
        return Task()

    def start_bytes(self, label: str, total: int, done: int = 0) -> Task:
        """Begin a task of ``total`` bytes, 0 if unknown, of which ``done`` were there before."""
        task = self.start(label, total)
        task.advance(done)
        return task

    def start_photos(self, label: str, total: int, *, photos: float = 1, work: float = 0) -> Task:
        """Begin a task of steps that take photos through a network.

        Parameters
        ----------
        total
            Steps.
        photos
            In each step.
        work
            Of each step, as :class:`~ensembler.events.WorkAhead` counts it; 0 if that does not count it.
        """
        del photos, work
        return self.start(label, total)

    def tell(self, event: Event) -> None:
        """Tell a fact, for whoever follows; a person is told by :meth:`note`."""

    def note(self, text: str) -> None:
        """Tell something worth knowing."""

    def warn(self, text: str) -> None:
        """Tell something that a person may want to change."""

    def make_job_progress(self, name: str) -> Progress:
        """Return where the job ``name`` reports to, so that several jobs can be told apart."""
        del name
        return self

    def track(self, items: Iterable[T], label: str, total: int) -> Iterator[T]:
        """Pass ``items`` through, one step each, unless the work should end."""
        task = self.start(label, total)
        try:
            for item in items:
                self.raise_if_stopping(f"in {label}")
                yield item
                task.advance()
        finally:
            task.finish()


SILENT = Progress()


class ProgressGroup(Progress):
    """Passes all that it is told on to several."""

    def __init__(self, parts: Sequence[Progress]) -> None:
        self._parts = tuple(parts)
        self._entered = ExitStack()

    @property
    def stopping(self) -> bool:
        """Whether any of them says so."""
        return any(part.stopping for part in self._parts)

    def __enter__(self) -> Self:
        with ExitStack() as entered:
            for part in self._parts:
                entered.enter_context(part)
            self._entered = entered.pop_all()
        return self

    def __exit__(self, *error: Any) -> None:
        self._entered.__exit__(*error)

    def start(self, label: str, total: int) -> Task:
        """Begin it everywhere."""
        return _TaskGroup([part.start(label, total) for part in self._parts])

    def start_bytes(self, label: str, total: int, done: int = 0) -> Task:
        """Begin it everywhere."""
        return _TaskGroup([part.start_bytes(label, total, done) for part in self._parts])

    def start_photos(self, label: str, total: int, *, photos: float = 1, work: float = 0) -> Task:
        """Begin it everywhere."""
        return _TaskGroup([part.start_photos(label, total, photos=photos, work=work) for part in self._parts])

    def tell(self, event: Event) -> None:
        """Tell it to all."""
        for part in self._parts:
            part.tell(event)

    def note(self, text: str) -> None:
        """Tell it to all."""
        for part in self._parts:
            part.note(text)

    def warn(self, text: str) -> None:
        """Tell it to all."""
        for part in self._parts:
            part.warn(text)

    def make_job_progress(self, name: str) -> Progress:
        """Return what passes a job's reports on."""
        return ProgressGroup([part.make_job_progress(name) for part in self._parts])


class _TaskGroup(Task):
    def __init__(self, parts: Sequence[Task]) -> None:
        self._parts = parts

    def advance(self, steps: int = 1) -> None:
        for part in self._parts:
            part.advance(steps)

    def finish(self) -> None:
        for part in self._parts:
            part.finish()
