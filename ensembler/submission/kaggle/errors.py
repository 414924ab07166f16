"""What the client raises, turned into one sentence that says what to do and shows no secrets."""

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
SPOILT_RANGE = 416


class PassingError(KaggleError):
    """Trouble that may pass by itself; the request may have counted.

    ``pause`` is how long Kaggle asks us to wait, in seconds, None if it does not say. ``lost`` is the method of
    Kaggle's API whose answer was lost, empty if none was, or if it is not known which.
    """

    def __init__(self, message: str, *, pause: float | None = None, lost: str = "") -> None:
        super().__init__(message)
        self.pause = pause
        self.lost = lost

    def may_have_done(self, method: str) -> bool:
        """Whether Kaggle may have done what was asked of this method of its API."""
        return self.lost == method


class Intercepted(PassingError):
    """Something answered in Kaggle's place; what was asked may have reached it all the same."""

    def may_have_done(self, method: str) -> bool:
        """Whether Kaggle may have done what was asked, which nobody can tell."""
        del method
        return True


class NotLetIn(KaggleError):
    """Kaggle answered 403 or 404: rules not accepted, not joined, or no such competition."""

    def __init__(self, message: str, slug: str, *, rules: bool) -> None:
        super().__init__(message)
        self.slug = slug
        self.rules = rules


class Unsettled(KaggleError):
    """An upload's reply was lost and Kaggle's list could not be read: it may count all the same."""


class BadCredential(KaggleError):
    """Kaggle answered 401."""


class BadRange(KaggleError):
    """What is on disk is no part of what the storage has now."""


# Most special first. The errors' own texts are not shown: they hold signed addresses, or a proxy's password.
_NETWORK: tuple[tuple[type[Exception], str], ...] = (
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
# No second attempt can mend these.
_OF_THIS_MACHINE = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidHeader,
)
_CAPTIVE_PORTAL = (
    "Something between us and Kaggle answered in its place, perhaps a network's login page: open a browser, sign in to "
    "the network, and try again."
)


@contextlib.contextmanager
def translated(slug: str = "", secrets: Sequence[str] = ()) -> Iterator[None]:
    """Turn whatever the client raises into an error of ours.

    Parameters
    ----------
    slug : str
        The competition that is asked about, if it is one.
    secrets : sequence of str
        What must not be seen in Kaggle's own words.
    """
    try:
        yield
    # requests' errors are OSErrors, and some are ValueErrors too, so they come first. None is kept as the cause: a
    # traceback would show signed addresses, and a proxy's password.
    except requests.HTTPError as error:
        raise _refusal(error, slug, secrets) from None
    except json.JSONDecodeError:
        raise intercepted() from None
    except _OF_THIS_MACHINE as error:
        raise KaggleError(
            f"The way to Kaggle is not set up right on this machine ({type(error).__name__}): check HTTPS_PROXY, "
            "HTTP_PROXY and KAGGLE_API_ENVIRONMENT."
        ) from None
    except requests.RequestException as error:
        text = next(text for kind, text in _NETWORK if isinstance(error, kind))
        raise PassingError(text, lost=_method(error.request)) from None
    except OSError as error:
        raise StorageError.from_os(error) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        # The client falls over answers that it does not expect, such as a list that is null. Its words may hold what
        # was sent, a token too.
        kind = type(error).__name__
        raise KaggleError(
            f"The kaggle client stumbled over Kaggle's answer ({kind}): update it, `pip install -U kaggle`."
        ) from None
    except SystemExit:
        raise KaggleError(f"Kaggle does not know who you are: {HOW_TO_SIGN_IN}.") from None


def intercepted() -> Intercepted:
    """Return the error for an answer that is none of Kaggle's."""
    return Intercepted(_CAPTIVE_PORTAL)


def one_line(words: object) -> str:
    """Fit Kaggle's words, or none, into a sentence of ours."""
    return " ".join(str(words or "").split()).rstrip(".")


def without_secrets(words: str, secrets: Sequence[str]) -> str:
    """Put stars in the place of what must not be seen in Kaggle's own words."""
    for secret in secrets:
        words = words.replace(secret, "***")
    return words


def rules_page(slug: str) -> str:
    """Give the page where a person accepts the rules, which no program can."""
    return f"{SITE}/competitions/{slug}/rules"


def submissions_page(slug: str) -> str:
    """Give the page where a person sees their submissions."""
    return f"{SITE}/competitions/{slug}/submissions"


def _refusal(error: requests.HTTPError, slug: str, secrets: Sequence[str]) -> KaggleError:
    """Turn an answer of 400 or more into an error of ours."""
    status, reason = _status(error), _reason(error, secrets)
    if _came_from_storage(error) and status != SPOILT_RANGE:
        # Its addresses are signed for some minutes: the next question brings a new one.
        return PassingError(
            f"Kaggle's storage, or something on the way to it, refused ({status}): try again in a few minutes, or from "
            "another network.",
            pause=_pause(error),
        )
    if status == 401:
        return BadCredential(f"Kaggle does not accept your token or key: {HOW_TO_SIGN_IN}.")
    if status in (403, 404):
        return _closed_door(slug, _text(error) if status == 403 else "")
    if status == SPOILT_RANGE:
        return BadRange("The download on disk is not what Kaggle has now: fetch again with --force.")
    if status == 429:
        return PassingError(
            f"Kaggle has had too many requests from you: try again {_pause_asked_for(error)}.", pause=_pause(error)
        )
    if status >= 500:
        return PassingError(
            f"Kaggle has trouble of its own ({status}): try again in a few minutes.",
            pause=_pause(error),
            lost=_method(error.request),
        )
    if not reason:
        reason = "it gives no reason, but often the day's submissions are used up or the deadline is over"
    return KaggleError(f"Kaggle refused ({status}): {reason}; see {SITE}/competitions/{slug}.")


def _closed_door(slug: str, text: str) -> KaggleError:
    """Tell why a competition is closed to us; Kaggle answers 403 to a wrong slug as well."""
    if not slug:
        return KaggleError(f"Kaggle does not let you in: {HOW_TO_SIGN_IN}.")
    # A company's firewall has rules too.
    if re.search(r"accept.{0,80}rules", text, flags=re.IGNORECASE | re.DOTALL):
        return NotLetIn(
            f"You have not accepted the rules of {slug}: do so at {rules_page(slug)} and try again.", slug, rules=True
        )
    return NotLetIn(
        f"Kaggle has no competition {slug!r}, or you have not joined it: check the slug, or accept the rules at "
        f"{rules_page(slug)}.",
        slug,
        rules=False,
    )


def _came_from_storage(error: requests.HTTPError) -> bool:
    """Whether the answer came after Kaggle had sent us on."""
    return error.response is not None and bool(error.response.history)


def _method(request: requests.Request | requests.PreparedRequest | None) -> str:
    """Return the method of Kaggle's API that was asked."""
    return str(getattr(request, "url", "") or "").partition("?")[0].rpartition("/")[2]


def _status(error: requests.HTTPError) -> int:
    """Give the answer's status; a body may say 400 or more under a status of 200."""
    if error.response is None:
        return 500
    status = error.response.status_code
    return status if status >= 400 else int(_json(error).get("code", 500))


def _reason(error: requests.HTTPError, secrets: Sequence[str], most: int = 300) -> str:
    """Give Kaggle's own words, if it found any, without what must not be seen."""
    return without_secrets(one_line(_json(error).get("message")), secrets)[:most]


def _json(error: requests.HTTPError) -> dict[str, Any]:
    """Read the answer's body, if it is a JSON object."""
    try:
        body = json.loads(_text(error))
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _text(error: requests.HTTPError) -> str:
    """Read the answer's body, which may break off."""
    try:
        return error.response.text if error.response is not None else ""
    except requests.RequestException:
        return ""


def _retry_after(error: requests.HTTPError) -> str:
    return (error.response.headers.get("Retry-After", "") if error.response is not None else "").strip()


def _pause(error: requests.HTTPError) -> float | None:
    """Read Retry-After, which holds seconds or a date."""
    after = _retry_after(error)
    if after.isdigit():
        return float(after)
    date = email.utils.parsedate_tz(after)
    return max(0.0, email.utils.mktime_tz(date) - time.time()) if date else None


def _pause_asked_for(error: requests.HTTPError) -> str:
    """Say when to come back."""
    after = _retry_after(error)
    if after.isdigit():
        return f"in {after} seconds"
    return f"after {after}" if after else "in a few minutes"
