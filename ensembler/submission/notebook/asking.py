"""Requests about the user's datasets and notebooks, whose refusals have other causes than a competition's."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TypeVar

import requests

from ...errors import KaggleError
from ...progress import Progress
from ..kaggle.errors import MAX_REASON_LENGTH, read_message
from ..kaggle.submissions import Kaggle

T = TypeVar("T")
RERUN_HINT = "run the same command again to continue"
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
            reason = kaggle.clean_message(read_message(error.response))[:MAX_REASON_LENGTH] or "it gives no reason"
            raise kind(f"Kaggle refused {what} ({status}): {reason}.") from None
        except ValueError as error:
            # Client 2.2.5 reports it; 2.2.4 silently skips the file.
            before, separator, name = str(error).partition(_UPLOAD_FAILED)
            if before or not separator:
                raise
            raise KaggleError(f"The upload of {name} for {what} failed: {RERUN_HINT}.") from None


def fetch_if_exists(kaggle: Kaggle, what: str, request: Callable[[], T], progress: Progress) -> T | None:
    """Send a request with retries; return None if Kaggle does not find the object."""

    def request_once() -> T:
        with guard_request_about(kaggle, what):
            return request()

    try:
        return kaggle.retry_policy.call(request_once, progress)
    except NotFound:
        return None
