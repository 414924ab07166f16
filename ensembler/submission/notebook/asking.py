"""Requests about the user's datasets and notebooks, whose refusals have other causes than a competition's."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import requests

from ...errors import KaggleError
from ...progress import Progress
from ..kaggle.submissions import Kaggle

T = TypeVar("T")
_MAX_REASON_LENGTH = 300
_UPLOAD_FAILED = "Upload unsuccessful: "


class NotFound(KaggleError):
    """Kaggle responded with 403 or 404: it does not exist, or belongs to another user."""


@contextlib.contextmanager
def guard_request_about(kaggle: Kaggle, what: str) -> Iterator[None]:
    """Guard requests as :meth:`Kaggle.guard_request` does, and report refusals with Kaggle's reason.

    403 and 404 raise ``NotFound``.
    """
    with kaggle.guard_request():
        try:
            yield
        except requests.HTTPError as error:
            status = error.response.status_code if error.response is not None else None
            if status not in (400, 403, 404):
                raise
            kind = KaggleError if status == 400 else NotFound
            raise kind(f"Kaggle refused {what} ({status}): {_read_reason(error, kaggle)}.") from None
        except ValueError as error:
            # Client 2.2.5 reports it; 2.2.4 silently skips the file.
            before, separator, name = str(error).partition(_UPLOAD_FAILED)
            if before or not separator:
                raise
            raise KaggleError(f"The upload of {name} for {what} failed: run the same command again.") from None


def fetch_if_exists(kaggle: Kaggle, what: str, request: Callable[[], T], progress: Progress) -> T | None:
    """Send a request with retries; return None if Kaggle does not find the object."""

    def request_once() -> T:
        with guard_request_about(kaggle, what):
            return request()

    try:
        return kaggle.retry_policy.call(request_once, progress)
    except NotFound:
        return None


def _read_reason(error: requests.HTTPError, kaggle: Kaggle) -> str:
    try:
        body: Any = error.response.json()
    except (ValueError, requests.RequestException):
        body = {}
    reason = kaggle.clean_message(body.get("message")) if isinstance(body, dict) else ""
    return reason[:_MAX_REASON_LENGTH] or "it gives no reason"
