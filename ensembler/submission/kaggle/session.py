"""A signed-in session with Kaggle: requests with timeouts, and errors without secrets."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self, TypeVar

from ...progress import SILENT, Progress
from .errors import format_one_line, mask_secrets, translate_errors
from .retry_policy import DEFAULT_RETRIES, RetryPolicy
from .sign_in import explain_refused_credential, sign_in, silence_client

T = TypeVar("T")


@dataclass(frozen=True)
class KaggleSession:
    """A signed-in session. ``api`` is the client of the ``kaggle`` package, used only inside :meth:`guard_request`."""

    api: Any
    retry_policy: RetryPolicy = DEFAULT_RETRIES

    @classmethod
    def connect(cls, retry_policy: RetryPolicy = DEFAULT_RETRIES, progress: Progress = SILENT) -> Self:
        """Sign in with the credentials that the client finds."""
        return cls(retry_policy.call(lambda: sign_in(retry_policy), progress), retry_policy)

    @property
    def username(self) -> str:
        """Name of the signed-in user."""
        return str(self.api.config_values.get("username", ""))

    @contextlib.contextmanager
    def guard_request(self, slug: str = "") -> Iterator[None]:
        """Silence the client, apply timeouts, and translate errors, which name the competition, inside the block."""
        with silence_client(), self.retry_policy.apply_timeouts(), self.translate_errors(slug):
            yield

    @contextlib.contextmanager
    def translate_errors(self, slug: str = "") -> Iterator[None]:
        """Translate errors of the client and the network into errors without secrets."""
        used = self.api.config_values.get("auth_method")
        with explain_refused_credential(used), translate_errors(slug, self._secrets):
            yield

    def iterate_pages(
        self, request: Callable[[str], tuple[list[T], str]], progress: Progress
    ) -> Iterator[tuple[list[T], str]]:
        """Yield the pages of a list, each with the token of the next page, which is empty for the last.

        ``request`` accepts a page's token, which is empty for the first page.
        """
        token = ""
        while True:
            page, token = self.retry_policy.call(lambda token=token: request(token), progress)  # type: ignore[misc]
            yield page, token
            if not token or not page:
                return

    def clean_message(self, message: object) -> str:
        """Format a text of Kaggle, or None, as part of a sentence, without the user's key and token."""
        return mask_secrets(format_one_line(message), self._secrets)

    @property
    def _secrets(self) -> list[str]:
        values = self.api.config_values
        return [str(values[name]) for name in ("key", "token") if values.get(name)]


def build_request(name: str, **fields: Any) -> Any:
    """Return the request ``name`` of the client's services for competitions and notebooks."""
    from kagglesdk.competitions.types import competition_api_service
    from kagglesdk.kernels.types import kernels_api_service

    service = competition_api_service if hasattr(competition_api_service, name) else kernels_api_service
    request = getattr(service, name)()
    for field, value in fields.items():
        setattr(request, field, value)
    return request


def mark_utc(when: datetime | None) -> datetime | None:
    """Mark a time as UTC. Some methods of the client omit the mark."""
    if when is None:
        return None
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
