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
from .errors import Intercepted, TransientError

T = TypeVar("T")


@dataclass(frozen=True)
class RetryPolicy:
    """Limits of waiting, all in seconds.

    Attributes
    ----------
    connect_timeout, read_timeout
        How long to wait for a connection, and for the next bytes of an answer.
    max_attempts
        How often to ask before giving up.
    first_pause, max_pause
        Between the first two attempts, and at most; it doubles, with a random part so that a crowd of clients does
        not come back together.
    upload_retries
        How often the client may send an upload's bytes again; its own limit keeps a person waiting for six minutes.
    max_retry_after
        The longest pause that Kaggle may ask for by Retry-After; a longer one is told to the person instead.
    """

    connect_timeout: float = 15.0
    read_timeout: float = 60.0
    max_attempts: int = 8
    first_pause: float = 1.0
    max_pause: float = 60.0
    upload_retries: int = 3
    max_retry_after: float = 300.0

    def compute_pause(self, failures: int, retry_after: float | None) -> float:
        """Seconds to wait after so many ``failures`` in a row, at least what Kaggle ``retry_after`` for."""
        backoff = min(self.first_pause * 2.0 ** (failures - 1), self.max_pause)
        return max(backoff * random.uniform(0.5, 1.0), retry_after or 0.0)  # noqa: S311 - no secret depends on it

    def wait_or_raise(self, failures: int, error: TransientError, progress: Progress) -> None:
        """Wait before the next attempt, or give up.

        Raises
        ------
        TransientError
            The ``error`` itself, if there were too many failures, Kaggle asks for too long a pause, or only a
            person can mend it.
        """
        if (
            isinstance(error, Intercepted)
            or failures >= self.max_attempts
            or (error.retry_after or 0.0) > self.max_retry_after
        ):
            raise error
        pause = self.compute_pause(failures, error.retry_after)
        if pause >= 1.0:
            progress.note(f"{error} Trying again in {pause:.0f} s ({failures} of {self.max_attempts}).")
        time.sleep(pause)

    def call(self, request: Callable[[], T], progress: Progress) -> T:
        """Ask until there is an answer; for questions only, which may be asked twice without harm.

        Raises
        ------
        KaggleError
            If the answer is no, or there was none after all attempts.
        """
        failures = 0
        while True:
            try:
                return request()
            except TransientError as error:
                failures += 1
                self.wait_or_raise(failures, error, progress)

    @contextlib.contextmanager
    def apply_timeouts(self) -> Iterator[None]:
        """Give every request of this thread that names no limit those of ours, for as long as the block lasts.

        The client makes its sessions where nobody can reach them, some of them while it is imported; so the limits
        are set where all requests of a process pass. Outside of such blocks nothing changes.
        """
        HTTPAdapter.send = _send_within_limits  # type: ignore[method-assign,assignment]
        before = _ACTIVE_POLICY.set(self)
        try:
            yield
        finally:
            _ACTIVE_POLICY.reset(before)


DEFAULT_RETRIES = RetryPolicy()
_ACTIVE_POLICY: ContextVar[RetryPolicy | None] = ContextVar("limits", default=None)
_original_send = HTTPAdapter.send


def _send_within_limits(
    self: HTTPAdapter, request: Any, stream: bool = False, timeout: Any = None, **options: Any
) -> Any:
    policy = _ACTIVE_POLICY.get()
    if policy is not None:
        timeout = timeout or (policy.connect_timeout, policy.read_timeout)
        if (self.max_retries.total or 0) > policy.upload_retries:
            self.max_retries = self.max_retries.new(total=policy.upload_retries)
    return _original_send(self, request, stream=stream, timeout=timeout, **options)
