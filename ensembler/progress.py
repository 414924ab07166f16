"""Reporting of events by work, and requests to stop it."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, Self, TypeVar

from .errors import Interrupted
from .events import Event, Noted, TaskAdvanced, TaskBegan, TaskEnded, Warned

T = TypeVar("T")

_task_numbers = itertools.count(1)


class Progress:
    """Receiver of events, which may also request a stop. Subclasses override :meth:`emit`. The base class is silent.

    Several jobs may report at the same time, each from its own thread.

    Examples
    --------
    >>> class Notes(ensembler.Progress):
    ...     def emit(self, event: ensembler.Event) -> None:
    ...         print(type(event).__name__)
    >>> competition = ensembler.open("pets", progress=Notes())
    >>> _ = competition.predict(["photos/dogs/1.png"], stack="first")
    JobsPlanned
    JobBegan
    ...
    """

    @property
    def stopping(self) -> bool:
        """Whether the work should save its state and raise :class:`~ensembler.errors.Interrupted`."""
        return False

    def emit(self, event: Event) -> None:
        """Receive an event."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def raise_if_stopping(self, place: str) -> None:
        """Raise an error if the work should stop.

        Raises
        ------
        Interrupted
            With ``place``, such as ``in the heads of b0``, in its message.
        """
        if self.stopping:
            raise Interrupted(place)

    def iterate_until_stopped(self, items: Iterable[T], place: str) -> Iterator[T]:
        """Yield ``items`` unless the work should stop, see :meth:`raise_if_stopping`."""
        for item in items:
            self.raise_if_stopping(place)
            yield item

    def note(self, text: str, *, detail: bool = False) -> None:
        """Report a note. The console shows a detail only in verbose mode."""
        self.emit(Noted(text, detail))

    def warn(self, text: str) -> None:
        """Report a warning."""
        self.emit(Warned(text))

    def start(
        self, label: str, total: int, *, done: int = 0, unit: str = "", photos: float = 0, work: float = 0
    ) -> Task:
        """Begin a task. :class:`~ensembler.events.TaskBegan` describes the parameters."""
        task = f"{os.getpid()}-{next(_task_numbers)}"
        return Task(self, TaskBegan(task, label, total, done, unit, photos, work))

    def track(self, items: Iterable[T], label: str, total: int, unit: str = "") -> Iterator[T]:
        """Yield ``items`` as the steps of a task, unless the work should stop."""
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
    """Task that reports its steps."""

    def __init__(self, progress: Progress, began: TaskBegan) -> None:
        self._progress = progress
        self._began = began
        self._start = time.monotonic()
        self._done = began.done
        self._is_finished = False
        progress.emit(began)

    def advance(self, steps: int = 1) -> None:
        """Report finished steps."""
        self._done += steps
        self._progress.emit(TaskAdvanced(self._began.task, steps))

    def finish(self) -> None:
        """Report the end of the task, even if steps are missing."""
        if not self._is_finished:
            self._is_finished = True
            seconds = round(time.monotonic() - self._start, 3)
            self._progress.emit(TaskEnded(self._began.task, self._began.label, self._done, seconds))


class ProgressGroup(Progress):
    """Progress that passes each event on to several receivers."""

    def __init__(self, parts: Sequence[Progress]) -> None:
        self._parts = tuple(parts)
        self._entered = ExitStack()

    @property
    def stopping(self) -> bool:
        """Whether any receiver requests a stop."""
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
        """Pass an event on to all receivers."""
        for part in self._parts:
            part.emit(event)


class _StoppableProgress(ProgressGroup):
    """Progress of work in a thread, which another thread can ask to end."""

    is_stopped = False

    @property
    def stopping(self) -> bool:
        return self.is_stopped or super().stopping


@contextmanager
def run_meanwhile(work: Callable[[Progress], T], progress: Progress) -> Iterator[Future[T]]:
    """Run ``work`` in a thread during a block.

    If the block fails or is interrupted, the work is asked to stop at its next step.

    Yields
    ------
    Future
        Result of ``work``, which receives a progress that passes its events on to ``progress``.
    """
    stoppable = _StoppableProgress([progress])
    with ThreadPoolExecutor(1) as pool:
        try:
            yield pool.submit(work, stoppable)
        except BaseException:
            stoppable.is_stopped = True
            raise
