"""How work reports what happens, and hears that it should stop. The base class is silent."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, Self, TypeVar

from .errors import Interrupted
from .events import Event, Noted, TaskAdvanced, TaskBegan, TaskEnded, Warned

T = TypeVar("T")

_task_numbers = itertools.count(1)


class Progress:
    """Receives events, and says whether work should stop. A subclass overrides :meth:`emit`; this one keeps silent.

    Several jobs may report at once, each from a thread of its own.

    Examples
    --------
    >>> class Notes(ensembler.Progress):
    ...     def emit(self, event: ensembler.Event) -> None:
    ...         print(type(event).__name__)
    >>> competition = ensembler.open("pets", progress=Notes())
    >>> _ = competition.predict(["photos/dogs/1.png"], stack="first")
    JobBegan
    ...
    """

    @property
    def stopping(self) -> bool:
        """Whether the work should save what it has and end by :class:`~ensembler.errors.Interrupted`."""
        return False

    def emit(self, event: Event) -> None:
        """Receive an event."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        del error

    def raise_if_stopping(self, place: str) -> None:
        """Raise an error if the work should end.

        Raises
        ------
        Interrupted
            At ``place``, such as ``in the heads of b0``.
        """
        if self.stopping:
            raise Interrupted(place)

    def iterate_until_stopped(self, items: Iterable[T], place: str) -> Iterator[T]:
        """Yield ``items`` unless the work should end; see :meth:`raise_if_stopping`."""
        for item in items:
            self.raise_if_stopping(place)
            yield item

    def note(self, text: str, *, detail: bool = False) -> None:
        """Report something worth knowing; the console shows a detail only if it is verbose."""
        self.emit(Noted(text, detail))

    def warn(self, text: str) -> None:
        """Report something that a person may want to change."""
        self.emit(Warned(text))

    def start(
        self, label: str, total: int, *, done: int = 0, unit: str = "", photos: float = 0, work: float = 0
    ) -> Task:
        """Begin a task; :class:`~ensembler.events.TaskBegan` describes the parameters."""
        task = f"{os.getpid()}-{next(_task_numbers)}"
        return Task(self, TaskBegan(task, label, total, done, unit, photos, work))

    def track(self, items: Iterable[T], label: str, total: int, unit: str = "") -> Iterator[T]:
        """Yield ``items`` as the steps of a task, unless the work should end."""
        task = self.start(label, total, unit=unit)
        try:
            for item in items:
                self.raise_if_stopping(f"in {label}")
                yield item
                task.advance()
        finally:
            task.finish()


SILENT = Progress()


class Task:
    """A piece of work that reports its steps: ``advance`` as it goes, ``finish`` when it is over."""

    def __init__(self, progress: Progress, began: TaskBegan) -> None:
        self._progress = progress
        self._began = began
        self._start = time.monotonic()
        self._done = began.done
        self._is_finished = False
        progress.emit(began)

    def advance(self, steps: int = 1) -> None:
        """Report that ``steps`` more are done."""
        self._done += steps
        self._progress.emit(TaskAdvanced(self._began.task, steps))

    def finish(self) -> None:
        """Report that the work is over, whether or not all steps were counted."""
        if not self._is_finished:
            self._is_finished = True
            seconds = round(time.monotonic() - self._start, 3)
            self._progress.emit(TaskEnded(self._began.task, self._began.label, self._done, seconds))


class ProgressGroup(Progress):
    """Passes each event on to several."""

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

    def emit(self, event: Event) -> None:
        """Pass it on to all."""
        for part in self._parts:
            part.emit(event)
