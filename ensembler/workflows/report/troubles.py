"""Records that cannot be used are named on the page and do not take it along."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ...errors import EnsemblerError, Interrupted
from ...events import Event, Warned
from ...progress import Progress

T = TypeVar("T")


class Troubles(Progress):
    """Receiver that passes all events on and keeps the sentences of warnings."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._sentences: dict[str, None] = {}

    @property
    def sentences(self) -> tuple[str, ...]:
        """Warnings in their order, each once."""
        return tuple(self._sentences)

    @property
    def stopping(self) -> bool:
        """Whether the receiver behind it requests a stop."""
        return self._progress.stopping

    def emit(self, event: Event) -> None:
        """Pass an event on. A warning that was passed on before is dropped."""
        if isinstance(event, Warned):
            if event.text in self._sentences:
                return
            self._sentences[event.text] = None
        self._progress.emit(event)

    def attempt(self, work: Callable[[], T], otherwise: T) -> T:
        """Return the result of ``work``; warn of an error that the user can fix, and return ``otherwise``."""
        try:
            return work()
        except Interrupted:
            raise
        except EnsemblerError as error:
            self.warn(str(error))
            return otherwise
