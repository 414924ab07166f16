from __future__ import annotations

import time

import pytest
import requests
from helpers.kaggle_server import KEY, SIGNATURE, TOKEN, said

from ensembler.errors import EnsemblerError, KaggleError, StorageError
from ensembler.submission.kaggle.errors import (
    AccessDenied,
    BadCredential,
    BadRange,
    Intercepted,
    TransientError,
    format_one_line,
    translate_errors,
)

SLUG = "cats-and-dogs"
RULES = f"https://www.kaggle.com/competitions/{SLUG}/rules"


def refused(status, body="", **headers):
    """The error of requests for an answer of Kaggle's."""
    answer = requests.Response()
    answer.status_code = status
    answer._content = body.encode()
    answer.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return requests.HTTPError(f"{status} for url: https://storage/?{SIGNATURE}", response=answer)


def saying(status, message):
    return refused(status, f'{{"code": {status}, "message": "{message}"}}')


CASES = {
    "bad key": (
        saying(401, f"Invalid key {KEY}"),
        BadCredential,
        ["does not accept your token or key", "settings/api"],
    ),
    "rules": (
        saying(403, "You must accept this competition's rules first"),
        AccessDenied,
        ["not accepted the rules", RULES],
    ),
    "rules, not as JSON": (refused(403, "<html>Please accept the Rules</html>"), AccessDenied, ["not accepted", RULES]),
    "wrong slug": (
        saying(403, "Permission 'competitions.participate' was denied"),
        AccessDenied,
        [repr(SLUG), "check the slug", RULES],
    ),
    "closed, not as JSON": (refused(403, "<html></html>"), AccessDenied, [repr(SLUG), "check the slug", RULES]),
    "not found": (saying(404, "Not found"), AccessDenied, [repr(SLUG), "check the slug", RULES]),
    "refused with a reason": (
        refused(400, '{"message": "Submission not allowed:\\n your team has used its daily limit (5)."}'),
        EnsemblerError,
        ["Submission not allowed: your team has used its daily limit (5);", f"competitions/{SLUG}."],
    ),
    "refused with our key in the reason": (saying(400, f"Who is {KEY}?"), EnsemblerError, ["Who is ***?"]),
    "refused without a reason": (refused(400), EnsemblerError, ["(400)", "no reason", "deadline"]),
    "refused under status 200": (
        refused(200, '{"code": 400, "message": "Too late"}'),
        EnsemblerError,
        ["(400)", "Too late"],
    ),
    "reason of an odd kind": (refused(400, '{"message": null}'), EnsemblerError, ["no reason"]),
    "too many": (refused(429, Retry_After="17"), TransientError, ["too many requests", "in 17 seconds"]),
    "too many, until": (
        refused(429, Retry_After="Thu, 01 Jan 2026 00:00:00 GMT"),
        TransientError,
        ["after Thu, 01 Jan 2026"],
    ),
    "too many, who knows": (saying(429, "Slow down"), TransientError, ["in a few minutes"]),
    "trouble at Kaggle": (saying(500, "Oops"), TransientError, ["(500)", "try again in a few minutes"]),
    "gateway": (refused(502, "<html>Bad gateway</html>"), TransientError, ["(502)", "try again in a few minutes"]),
    "bad range": (refused(416), BadRange, ["force=True"]),
    "a firewall": (refused(403, "<html>Blocked by the rules</html>"), AccessDenied, ["check the slug"]),
    "a proxy that is none": (
        requests.exceptions.InvalidProxyURL("http://me:secret-password@"),
        KaggleError,
        ["HTTPS_PROXY"],
    ),
    "no SOCKS": (requests.exceptions.InvalidSchema("Missing dependencies for SOCKS"), KaggleError, ["HTTPS_PROXY"]),
    "a token with a line break": (
        ValueError(f"Invalid header value b'Bearer {TOKEN}\\n'"),
        KaggleError,
        ["ValueError"],
    ),
    "captive portal": (
        requests.exceptions.JSONDecodeError("Expecting value", "<html>", 0),
        Intercepted,
        ["login page"],
    ),
    "certificate": (
        requests.exceptions.SSLError("certificate verify failed"),
        TransientError,
        ["login page", "REQUESTS_CA_BUNDLE"],
    ),
    "proxy": (requests.exceptions.ProxyError("http://me:secret-password@proxy"), TransientError, ["HTTPS_PROXY"]),
    "no answer": (requests.ReadTimeout("read timed out"), TransientError, ["in time"]),
    "no connection": (requests.ConnectTimeout("timed out"), TransientError, ["in time"]),
    "no response": (requests.HTTPError("no response at all"), TransientError, ["few minutes"]),
    "network": (requests.ConnectionError(f"https://storage/?{SIGNATURE}"), TransientError, ["check the network"]),
    "broken off": (requests.exceptions.ChunkedEncodingError("broken off"), TransientError, ["check the network"]),
    "a list that is null": (
        TypeError("'NoneType' is not iterable"),
        EnsemblerError,
        ["TypeError", "pip install -U kaggle"],
    ),
    "no credentials": (SystemExit(1), EnsemblerError, ["settings/api", "KAGGLE_API_TOKEN", "kaggle auth login"]),
    "full disk": (OSError(28, "No space left on device", "x.zip"), StorageError, ["x.zip", "free some space"]),
}


@pytest.mark.parametrize(("error", "kind", "words"), CASES.values(), ids=CASES)
def test_whatever_is_raised_becomes_a_sentence(error, kind, words):
    with said(*words, kind=kind), translate_errors(SLUG, [KEY]):
        raise error


@pytest.mark.parametrize("status", [403, 404])
def test_a_closed_door_where_no_competition_is_asked_about(status):
    with said("denies you access", "settings/api"), translate_errors():
        raise refused(status)


def in_seconds(seconds):
    """A date as Retry-After has it."""
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + seconds))


@pytest.mark.parametrize(
    ("after", "low", "high"),
    [
        (lambda: "17", 17, 17),
        (lambda: " 3 ", 3, 3),
        (lambda: in_seconds(100), 80, 100),
        (lambda: "Thu, 01 Jan 2026 00:00:00 GMT", 0, 0),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_the_pause_that_kaggle_asks_for(status, after, low, high):
    with pytest.raises(TransientError) as caught, translate_errors(SLUG):
        raise refused(status, Retry_After=after())
    assert low <= caught.value.retry_after <= high


@pytest.mark.parametrize("after", ["soon", ""])
def test_kaggle_asks_for_no_pause(after):
    with pytest.raises(TransientError) as caught, translate_errors(SLUG):
        raise refused(429, Retry_After=after)
    assert caught.value.retry_after is None


def test_our_own_errors_pass_through():
    ours = StorageError("No.")
    with pytest.raises(StorageError) as caught, translate_errors(SLUG):
        raise ours
    assert caught.value is ours


@pytest.mark.parametrize(("words", "line"), [("Not\n today. ", "Not today"), (None, ""), ("", ""), (5, "5")])
def test_words_fit_into_a_sentence(words, line):
    assert format_one_line(words) == line


@pytest.mark.parametrize(
    ("trouble", "lost"),
    [
        (requests.ReadTimeout("timed out"), "CreateSubmission"),
        (requests.ConnectionError("reset"), "CreateSubmission"),
        (refused(503), "CreateSubmission"),
        (refused(429), ""),
    ],
)
def test_which_answer_was_lost(trouble, lost):
    trouble.request = requests.Request("POST", "https://api.kaggle.com/v1/competitions.Service/CreateSubmission?x=1")
    with pytest.raises(TransientError) as caught, translate_errors(SLUG):
        raise trouble
    assert caught.value.lost_method == lost
