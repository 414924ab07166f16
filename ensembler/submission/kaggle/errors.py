"""Turns the client's errors into one sentence that says what to do and shows no secrets."""

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


class TransientError(KaggleError):
    """An error that may pass by itself; the request may have counted.

    ``retry_after`` is how long Kaggle asks us to wait, in seconds, or None. ``lost_method`` is the method of Kaggle's
    API whose answer was lost, empty if none was or it is not known.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, lost_method: str = "") -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.lost_method = lost_method

    def may_have_done(self, method: str) -> bool:
        """Return whether Kaggle may have done what was asked of this method of its API."""
        return self.lost_method == method


class Intercepted(TransientError):
    """Something else answered instead of Kaggle; the request may have reached it all the same."""

    def may_have_done(self, method: str) -> bool:
        """Return whether Kaggle may have done what was asked, which nobody can tell."""
        del method
        return True


class AccessDenied(KaggleError):
    """Kaggle answered 403 or 404: rules not accepted, not joined, or no such competition."""

    def __init__(self, message: str, slug: str, *, rules: bool) -> None:
        super().__init__(message)
        self.slug = slug
        self.rules = rules


class UnconfirmedSubmission(KaggleError):
    """An upload's reply was lost and Kaggle's list could not be read: it may still count."""


class BadCredential(KaggleError):
    """Kaggle answered 401."""


class BadRange(KaggleError):
    """The partial file on disk is not part of what the storage has now."""


# The most specific first. The errors' own texts are not shown: they hold signed addresses, or a proxy's password.
_NETWORK_ERRORS: tuple[tuple[type[Exception], str], ...] = (
    (
        requests.exceptions.ProxyError,
        "The connection to Kaggle failed at the proxy: check HTTPS_PROXY and the network, and try again.",
    ),
    (
        requests.exceptions.SSLError,
        "The connection to Kaggle is not trusted: if your network has a login page, sign in there by a browser; if it "
        "has its own certificate, name its file in REQUESTS_CA_BUNDLE.",
    ),
    (requests.Timeout, "Kaggle did not answer in time: try again in a few minutes."),
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
    "Something between us and Kaggle answered in its place, perhaps a network's login page: open a browser, sign in to "
    "the network, and try again."
)


@contextlib.contextmanager
def translate_errors(slug: str = "", secrets: Sequence[str] = ()) -> Iterator[None]:
    """Turn whatever the client raises into our errors, which name the competition and hide ``secrets``."""
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
        # The client falls over answers that it does not expect, such as a list that is null. Its words may hold what
        # was sent, a token too.
        kind = type(error).__name__
        raise KaggleError(
            f"The kaggle client could not read Kaggle's answer ({kind}): update it, `pip install -U kaggle`."
        ) from None
    except SystemExit:
        raise KaggleError(f"You are not signed in to Kaggle: {HOW_TO_SIGN_IN}.") from None


def make_intercepted_error() -> Intercepted:
    """Return the error for an answer that is not Kaggle's."""
    return Intercepted(_CAPTIVE_PORTAL_MESSAGE)


def format_one_line(words: object) -> str:
    """Format Kaggle's words, or None, as part of a sentence."""
    return " ".join(str(words or "").split()).rstrip(".")


def mask_secrets(words: str, secrets: Sequence[str]) -> str:
    """Replace secrets in Kaggle's words by stars."""
    for secret in secrets:
        words = words.replace(secret, "***")
    return words


def build_rules_url(slug: str) -> str:
    """Return the page where a person accepts the rules, which no program can do."""
    return f"{SITE}/competitions/{slug}/rules"


def build_submissions_url(slug: str) -> str:
    """Return the page of a person's submissions."""
    return f"{SITE}/competitions/{slug}/submissions"


def _make_http_error(error: requests.HTTPError, slug: str, secrets: Sequence[str]) -> KaggleError:
    """Turn a response of 400 or more into one of our errors."""
    status, reason = _read_status(error), _read_reason(error, secrets)
    # The storage answers after a redirect.
    if error.response is not None and error.response.history and status != RANGE_NOT_SATISFIABLE:
        # Its addresses are signed for some minutes: the next question brings a new one.
        return TransientError(
            f"Kaggle's storage, or something on the way to it, refused ({status}): try again in a few minutes, or from "
            "another network.",
            retry_after=_parse_retry_seconds(error),
        )
    if status == 401:
        return BadCredential(f"Kaggle does not accept your token or key: {HOW_TO_SIGN_IN}.")
    if status in (403, 404):
        return _make_access_error(slug, _read_text(error) if status == 403 else "")
    if status == RANGE_NOT_SATISFIABLE:
        return BadRange("The download on disk is not what Kaggle has now: fetch again with --force.")
    if status == 429:
        return TransientError(
            f"Kaggle received too many requests from you: try again {_describe_retry_time(error)}.",
            retry_after=_parse_retry_seconds(error),
        )
    if status >= 500:
        return TransientError(
            f"Kaggle has an internal error ({status}): try again in a few minutes.",
            retry_after=_parse_retry_seconds(error),
            lost_method=_parse_api_method(error.request),
        )
    if not reason:
        reason = "it gives no reason, but often the day's submissions are used up or the deadline is over"
    return KaggleError(f"Kaggle refused ({status}): {reason}; see {SITE}/competitions/{slug}.")


def _make_access_error(slug: str, text: str) -> KaggleError:
    """Return the error for a competition that is closed to us; Kaggle answers 403 to a wrong slug as well."""
    if not slug:
        return KaggleError(f"Kaggle denies you access: {HOW_TO_SIGN_IN}.")
    # A company's firewall has rules too.
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
    """Return the method of Kaggle's API that was asked."""
    return str(getattr(request, "url", "") or "").partition("?")[0].rpartition("/")[2]


def _read_status(error: requests.HTTPError) -> int:
    """Return the status; a body may say 400 or more under a status of 200."""
    if error.response is None:
        return 500
    status = error.response.status_code
    return status if status >= 400 else int(_read_json(error).get("code", 500))


def _read_reason(error: requests.HTTPError, secrets: Sequence[str], max_length: int = 300) -> str:
    """Return Kaggle's reason without secrets, empty if it gives none."""
    return mask_secrets(format_one_line(_read_json(error).get("message")), secrets)[:max_length]


def _read_json(error: requests.HTTPError) -> dict[str, Any]:
    """Read the body, if it is a JSON object, else an empty one."""
    try:
        body = json.loads(_read_text(error))
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _read_text(error: requests.HTTPError) -> str:
    """Read the body, which may break off."""
    try:
        return error.response.text if error.response is not None else ""
    except requests.RequestException:
        return ""


def _read_retry_after(error: requests.HTTPError) -> str:
    return (error.response.headers.get("Retry-After", "") if error.response is not None else "").strip()


def _parse_retry_seconds(error: requests.HTTPError) -> float | None:
    """Read Retry-After, which holds seconds or a date."""
    after = _read_retry_after(error)
    if after.isdigit():
        return float(after)
    date = email.utils.parsedate_tz(after)
    return max(0.0, email.utils.mktime_tz(date) - time.time()) if date else None


def _describe_retry_time(error: requests.HTTPError) -> str:
    """Say when to try again."""
    after = _read_retry_after(error)
    if after.isdigit():
        return f"in {after} seconds"
    return f"after {after}" if after else "in a few minutes"
