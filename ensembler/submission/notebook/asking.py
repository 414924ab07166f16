"""Asking Kaggle about our own datasets and notebooks, where a closed door means something else than a competition's."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import requests

from ...errors import KaggleError
from ...progress import Progress
from ..kaggle.submissions import Kaggle

T = TypeVar("T")
_LONGEST = 300
_UPLOAD_FAILED = "Upload unsuccessful: "


class NotThere(KaggleError):
    """Kaggle answered 403 or 404: it does not tell what is not there from what is not ours."""


@contextlib.contextmanager
def asking_about(kaggle: Kaggle, what: str) -> Iterator[None]:
    """Ask Kaggle as :meth:`Kaggle.asking` does, and tell its refusals in its own words.

    Raises
    ------
    NotThere
        If Kaggle answers 403 or 404.
    KaggleError
        If it answers 400, or as :meth:`Kaggle.asking` does.
    """
    with kaggle.asking():
        try:
            yield
        except requests.HTTPError as error:
            status = error.response.status_code if error.response is not None else None
            if status not in (400, 403, 404):
                raise
            kind = KaggleError if status == 400 else NotThere
            raise kind(f"Kaggle refused {what} ({status}): {_reason(error, kaggle)}.") from None
        except ValueError as error:
            # Client 2.2.5 says so; 2.2.4 passes over the file without a word.
            before, said, name = str(error).partition(_UPLOAD_FAILED)
            if before or not said:
                raise
            raise KaggleError(f"{what} lacks {name}, whose upload failed: run the same command again.") from None


def ask_if_there(kaggle: Kaggle, what: str, ask: Callable[[], T], progress: Progress) -> T | None:
    """Ask until there is an answer; None if there is no such thing, or it is not ours."""

    def once() -> T:
        with asking_about(kaggle, what):
            return ask()

    try:
        return kaggle.patience.persist(once, progress)
    except NotThere:
        return None


def _reason(error: requests.HTTPError, kaggle: Kaggle) -> str:
    try:
        told: Any = error.response.json()
    except (ValueError, requests.RequestException):
        told = {}
    reason = kaggle.words(told.get("message")) if isinstance(told, dict) else ""
    return reason[:_LONGEST] or "it gives no reason"
