"""Timeouts and retries of requests to Kaggle, whose client has neither timeouts nor retries."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from requests.adapters import HTTPAdapter

from ...progress import Progress
from .errors import Intercepted, TransientError

if TYPE_CHECKING:
    from tenacity import RetryCallState

T = TypeVar("T")


@dataclass(frozen=True)
class RetryPolicy:
    """Limits of requests, all times in seconds.

    Attributes
    ----------
    connect_timeout, read_timeout
        Timeouts of connecting, and of waiting for the next bytes.
    max_attempts
        Number of attempts before the error is raised.
    first_pause, max_pause
        Pause after the first failure, and the longest pause. Pauses double and are randomised, so that many clients
        do not return at the same time.
    upload_retries
        Number of times that the client may resend the bytes of an upload. Its own limit takes six minutes.
    max_retry_after
        Longest accepted Retry-After. A longer one ends the attempts.
    """

    connect_timeout: float = 15.0
    read_timeout: float = 60.0
    max_attempts: int = 8
    first_pause: float = 1.0
    max_pause: float = 60.0
    upload_retries: int = 3
    max_retry_after: float = 300.0

    def compute_pause(self, failures: int, retry_after: float | None) -> float:
        """Return the seconds to wait after ``failures`` in a row, at least ``retry_after``."""
        backoff = min(self.first_pause * 2.0 ** (failures - 1), self.max_pause)
        return max(backoff * random.uniform(0.5, 1.0), retry_after or 0.0)  # noqa: S311 - no secret depends on it

    def call(self, request: Callable[[], T], progress: Progress, has_advanced: Callable[[], bool] = lambda: False) -> T:
        """Repeat ``request``, which must be safe to repeat, until it succeeds.

        A failure does not count if ``has_advanced`` returns True after it.

        Raises
        ------
        KaggleError
            If an error is not temporary, Kaggle requests too long a pause, or the attempts are used up.
        """
        from tenacity import Retrying, retry_if_exception, stop_after_attempt

        def reset_count(state: RetryCallState) -> None:
            if has_advanced():
                state.attempt_number = 0

        def compute_pause(state: RetryCallState) -> float:
            return self.compute_pause(state.attempt_number, _get_error(state).retry_after)

        def tell_pause(state: RetryCallState) -> None:
            if state.upcoming_sleep >= 1.0:
                progress.note(
                    f"{_get_error(state)} Trying again in {state.upcoming_sleep:.0f} s ({state.attempt_number} of "
                    f"{self.max_attempts})."
                )

        retrying = Retrying(
            retry=retry_if_exception(self._may_pass),
            after=reset_count,
            wait=compute_pause,
            stop=stop_after_attempt(self.max_attempts),
            before_sleep=tell_pause,
            reraise=True,
        )
        return retrying(request)

    def _may_pass(self, error: BaseException) -> bool:
        if not isinstance(error, TransientError) or isinstance(error, Intercepted):
            return False
        return (error.retry_after or 0.0) <= self.max_retry_after

    @contextlib.contextmanager
    def apply_timeouts(self) -> Iterator[None]:
        """Apply the timeouts, inside the block, to all requests of this thread that have none.

        The client's sessions are not accessible, and some are created by its import. So the timeouts are set in the
        adapter that all requests pass through.
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


def _get_error(state: RetryCallState) -> TransientError:
    error = state.outcome.exception() if state.outcome else None
    return error if isinstance(error, TransientError) else TransientError("Kaggle did not respond.")
