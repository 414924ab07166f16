"""Translation of the client's errors into sentences with a remedy and without secrets."""

from __future__ import annotations

import contextlib
import email.utils
import json
import re
import time
from collections.abc import Iterator, Sequence
from typing import Any

import requests

from ...errors import KaggleError, StorageError

SITE = "https://www.kaggle.com"
HOW_TO_SIGN_IN = (
    f"make an API token at {SITE}/settings/api and put it into ~/.kaggle/access_token or KAGGLE_API_TOKEN, "
    "or run `kaggle auth login`"
)
RANGE_NOT_SATISFIABLE = 416
MAX_REASON_LENGTH = 300


class TransientError(KaggleError):
    """A temporary error. Kaggle may have executed the request.

    ``retry_after`` is the pause in seconds that Kaggle requests, or None. ``lost_method`` is the method of Kaggle's API
    whose response was lost, or an empty string.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, lost_method: str = "") -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.lost_method = lost_method

    def may_have_done(self, method: str) -> bool:
        """Return whether Kaggle may have executed this method of its API."""
        return self.lost_method == method


class Intercepted(TransientError):
    """Something other than Kaggle responded. The request may nonetheless have reached Kaggle."""

    def may_have_done(self, method: str) -> bool:
        """Return True, because the response does not show whether Kaggle executed the request."""
        del method
        return True


class AccessDenied(KaggleError):
    """Kaggle responded with 403 or 404: rules not accepted, not joined, or no such competition."""

    def __init__(self, message: str, slug: str, *, rules: bool) -> None:
        super().__init__(message)
        self.slug = slug
        self.rules = rules


class UnconfirmedSubmission(KaggleError):
    """The response to a submission was lost, and Kaggle's list does not contain it yet. It may still count."""


class BadCredential(KaggleError):
    """Kaggle responded with 401."""


class BadRange(KaggleError):
    """The partial file on disk is not part of the storage's current file."""


# The most specific first. The errors' own texts are not shown, because they contain signed addresses or passwords.
_NETWORK_ERRORS: tuple[tuple[type[Exception], str], ...] = (
    (
        requests.exceptions.ProxyError,
        "The connection to Kaggle failed at the proxy: check HTTPS_PROXY and the network, and try again.",
    ),
    (
        requests.exceptions.SSLError,
        "The connection to Kaggle is not trusted: if your network has a login page, sign in there with a browser; if "
        "it has its own certificate, set REQUESTS_CA_BUNDLE to its file.",
    ),
    (requests.Timeout, "Kaggle did not respond in time: try again in a few minutes."),
    (requests.RequestException, "The connection to Kaggle failed: check the network and try again."),
)
# A retry cannot help against these.
_LOCAL_SETUP_ERRORS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidHeader,
)
_CAPTIVE_PORTAL_MESSAGE = (
    "Something other than Kaggle responded, perhaps the login page of your network: sign in there with a browser, and "
    "try again."
)


@contextlib.contextmanager
def translate_errors(slug: str = "", secrets: Sequence[str] = ()) -> Iterator[None]:
    """Translate the client's errors into ``KaggleError``, which names the competition and hides ``secrets``."""
    try:
        yield
    # requests' errors are OSErrors, and some are ValueErrors too, so they come first. None is kept as the cause: a
    # traceback would show signed addresses, and a proxy's password.
    except requests.HTTPError as error:
        raise _make_http_error(error, slug, secrets) from None
    except json.JSONDecodeError:
        raise make_intercepted_error() from None
    except _LOCAL_SETUP_ERRORS as error:
        raise KaggleError(
            f"The connection to Kaggle is not configured correctly here ({type(error).__name__}): check HTTPS_PROXY, "
            "HTTP_PROXY and KAGGLE_API_ENVIRONMENT."
        ) from None
    except requests.RequestException as error:
        text = next(text for kind, text in _NETWORK_ERRORS if isinstance(error, kind))
        raise TransientError(text, lost_method=_parse_api_method(error.request)) from None
    except OSError as error:
        raise StorageError.from_os(error) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        # The client fails on unexpected responses, such as a list that is null. Its text may contain the request,
        # including a token.
        kind = type(error).__name__
        raise KaggleError(
            f"The kaggle client could not read Kaggle's response ({kind}): update it with `pip install -U kaggle`."
        ) from None
    except SystemExit:
        raise KaggleError(f"You are not signed in to Kaggle: {HOW_TO_SIGN_IN}.") from None


def make_intercepted_error() -> Intercepted:
    """Return the error for a response that is not Kaggle's."""
    return Intercepted(_CAPTIVE_PORTAL_MESSAGE)


def format_one_line(words: object) -> str:
    """Format a text of Kaggle, or None, as part of a sentence."""
    return " ".join(str(words or "").split()).rstrip(".")


def mask_secrets(words: str, secrets: Sequence[str]) -> str:
    """Replace secrets in a text by stars."""
    for secret in secrets:
        words = words.replace(secret, "***")
    return words


def build_rules_url(slug: str) -> str:
    """Return the address of the page on which the user accepts the rules."""
    return f"{SITE}/competitions/{slug}/rules"


def build_submissions_url(slug: str) -> str:
    """Return the address of the page of the user's submissions."""
    return f"{SITE}/competitions/{slug}/submissions"


def _make_http_error(error: requests.HTTPError, slug: str, secrets: Sequence[str]) -> KaggleError:
    """Return the error for a response with a status of 400 or more."""
    response = requests.Response() if error.response is None else error.response
    # Reading the body releases the connection, whatever the status.
    reason = mask_secrets(read_message(response), secrets)[:MAX_REASON_LENGTH]
    status = response.status_code or 500
    if status < 400:
        # The body may contain 400 or more although the status is 200.
        status = int(_read_json(response).get("code", 500))
    after = response.headers.get("Retry-After", "").strip()
    retry_after = _parse_retry_seconds(after)
    # Only the storage responds after a redirect.
    if response.history and status != RANGE_NOT_SATISFIABLE:
        # Its addresses are valid for some minutes, and the next request gets a new one.
        return TransientError(
            f"Kaggle's storage, or a proxy, refused the download ({status}): try again in a few minutes, or from "
            "another network.",
            retry_after=retry_after,
        )
    if status == 401:
        return BadCredential(f"Kaggle does not accept your token or key: {HOW_TO_SIGN_IN}.")
    if status in (403, 404):
        return _make_access_error(slug, _read_text(response) if status == 403 else "")
    if status == RANGE_NOT_SATISFIABLE:
        return BadRange("The partial download does not match the archive on Kaggle: fetch again with --force.")
    if status == 429:
        when = f"in {after} seconds" if after.isdigit() else f"after {after}" if after else "in a few minutes"
        return TransientError(f"Kaggle received too many requests from you: try again {when}.", retry_after=retry_after)
    if status >= 500:
        return TransientError(
            f"Kaggle has an internal error ({status}): try again in a few minutes.",
            retry_after=retry_after,
            lost_method=_parse_api_method(error.request),
        )
    reason = reason or "it gives no reason, but often the daily submissions are used up or the deadline has passed"
    return KaggleError(f"Kaggle refused ({status}): {reason}; see {SITE}/competitions/{slug}.")


def _make_access_error(slug: str, text: str) -> KaggleError:
    """Return the error for denied access. Kaggle's status is 403 also for a wrong slug."""
    if not slug:
        return KaggleError(f"Kaggle denies you access: {HOW_TO_SIGN_IN}.")
    # The error page of a firewall may mention rules too.
    if re.search(r"accept.{0,80}rules", text, flags=re.IGNORECASE | re.DOTALL):
        return AccessDenied(
            f"You have not accepted the rules of {slug}: do so at {build_rules_url(slug)} and try again.",
            slug,
            rules=True,
        )
    return AccessDenied(
        f"Kaggle has no competition {slug!r}, or you have not joined it: check the slug, or accept the rules at "
        f"{build_rules_url(slug)}.",
        slug,
        rules=False,
    )


def _parse_api_method(request: requests.Request | requests.PreparedRequest | None) -> str:
    """Return the requested method of Kaggle's API."""
    return str(getattr(request, "url", "") or "").partition("?")[0].rpartition("/")[2]


def read_message(response: requests.Response) -> str:
    """Return Kaggle's message in a response as part of a sentence, or an empty string."""
    return format_one_line(_read_json(response).get("message"))


def _read_json(response: requests.Response) -> dict[str, Any]:
    """Return the body if it is a JSON object, else an empty one."""
    try:
        body = json.loads(_read_text(response))
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _read_text(response: requests.Response) -> str:
    """Return the body, or an empty string if the connection is interrupted."""
    try:
        return response.text
    except requests.RequestException:
        return ""


def _parse_retry_seconds(after: str) -> float | None:
    """Return the seconds of Retry-After, which contains seconds or a date."""
    if after.isdigit():
        return float(after)
    date = email.utils.parsedate_tz(after)
    return max(0.0, email.utils.mktime_tz(date) - time.time()) if date else None
