"""How long we wait for an answer, and how often we ask again: Kaggle's client has neither limit nor second try."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from requests.adapters import HTTPAdapter

from ...progress import Progress
from .errors import Intercepted, PassingError

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """Limits of waiting, all in seconds.

    Attributes
    ----------
    connect, answer
        How long to wait for a connection, and for the next bytes of an answer.
    attempts
        How often to ask before giving up.
    first_pause, longest_pause
        Between the first two attempts, and at most; it doubles, with a random part so that a crowd of clients does
        not come back together.
    upload_retries
        How often the client may send an upload's bytes again; its own limit keeps a person waiting for six minutes.
    longest_request
        The longest pause that Kaggle may ask for by Retry-After; a longer one is told to the person instead.
    """

    connect: float = 15.0
    answer: float = 60.0
    attempts: int = 8
    first_pause: float = 1.0
    longest_pause: float = 60.0
    upload_retries: int = 3
    longest_request: float = 300.0

    def pause(self, failures: int, asked: float | None) -> float:
        """Seconds to wait after so many ``failures`` in a row, at least what Kaggle ``asked`` for."""
        backoff = min(self.first_pause * 2.0 ** (failures - 1), self.longest_pause)
        return max(backoff * random.uniform(0.5, 1.0), asked or 0.0)  # noqa: S311 - no secret depends on it

    def wait(self, failures: int, trouble: PassingError, progress: Progress) -> None:
        """Wait before the next attempt, or give up.

        Raises
        ------
        PassingError
            The ``trouble`` itself, if there were too many failures, Kaggle asks for too long a pause, or only a
            person can mend it.
        """
        if (
            isinstance(trouble, Intercepted)
            or failures >= self.attempts
            or (trouble.pause or 0.0) > self.longest_request
        ):
            raise trouble
        pause = self.pause(failures, trouble.pause)
        if pause >= 1.0:
            progress.note(f"{trouble} Trying again in {pause:.0f} s ({failures} of {self.attempts}).")
        time.sleep(pause)

    def persist(self, ask: Callable[[], T], progress: Progress) -> T:
        """Ask until there is an answer; for questions only, which may be asked twice without harm.

        Raises
        ------
        KaggleError
            If the answer is no, or there was none after all attempts.
        """
        failures = 0
        while True:
            try:
                return ask()
            except PassingError as trouble:
                failures += 1
                self.wait(failures, trouble, progress)

    @contextlib.contextmanager
    def limits(self) -> Iterator[None]:
        """Give every request of this thread that names no limit those of ours, for as long as the block lasts.

        The client makes its sessions where nobody can reach them, some of them while it is imported; so the limits
        are set where all requests of a process pass. Outside of such blocks nothing changes.
        """
        HTTPAdapter.send = _send_within_limits  # type: ignore[method-assign,assignment]
        before = _LIMITS.set(self)
        try:
            yield
        finally:
            _LIMITS.reset(before)


PATIENT = Patience()
_LIMITS: ContextVar[Patience | None] = ContextVar("limits", default=None)
_plain_send = HTTPAdapter.send


def _send_within_limits(
    self: HTTPAdapter, request: Any, stream: bool = False, timeout: Any = None, **options: Any
) -> Any:
    limits = _LIMITS.get()
    if limits is not None:
        timeout = timeout or (limits.connect, limits.answer)
        if (self.max_retries.total or 0) > limits.upload_retries:
            self.max_retries = self.max_retries.new(total=limits.upload_retries)
    return _plain_send(self, request, stream=stream, timeout=timeout, **options)
