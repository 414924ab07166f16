"""The way to Kaggle and back: download a competition, submit a CSV, wait for its score.

The only home of the ``kaggle`` package. It signs in, and may exit the process, while it is imported: so it is
imported late, in one function.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import re
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from ..errors import BadChoice, BadData, KaggleError, StorageError
from ..progress import Progress, Task

SITE = "https://www.kaggle.com"
HOW_TO_SIGN_IN = (
    f"make an API token at {SITE}/settings/api and put it into ~/.kaggle/access_token or KAGGLE_API_TOKEN, "
    "or run `kaggle auth login`"
)
ADDRESS = re.compile(r"(?:https?://)?(?:www\.)?kaggle\.com/(?:c|competitions)/([^/?#]+)", re.IGNORECASE)
UNKNOWN_LENGTH = 0


@dataclass(frozen=True)
class Score:
    """What Kaggle says about a submission; ``status`` is PENDING or COMPLETE."""

    ref: int
    status: str
    public: float | None
    private: float | None
    reason: str


def slug_of(text: str) -> str:
    """Find a competition's slug in what a person typed or copied from the browser.

    Raises
    ------
    BadChoice
        If ``text`` is neither a slug nor the address of a competition.
    """
    address = ADDRESS.match(text.strip())
    slug = (address[1] if address else text.strip()).lower()
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", slug):
        raise BadChoice(
            f"{text!r} is no competition: give its slug or its address, {SITE}/competitions/SLUG, "
            "as the browser shows it."
        )
    return slug


@dataclass(frozen=True)
class Kaggle:
    """Kaggle, signed in. ``pause`` is in seconds, between looks for a submission whose reply was lost."""

    api: Any
    pause: float = 2.0

    @classmethod
    def connect(cls) -> Kaggle:
        """Sign in with the credentials that the ``kaggle`` package finds.

        Raises
        ------
        KaggleError
            If there are none, they are refused, or the network is down.
        """
        with _quiet(), _translated():
            api = _signed_in()
        return cls(api)

    def download(self, slug: str, folder: Path, progress: Progress) -> Path:
        """Download all files of a competition, or what is missing of an earlier attempt.

        Parameters
        ----------
        slug : str
            The competition.
        folder : Path
            Where to put ``SLUG.zip``; it is made if need be.
        progress : Progress
            Hears of the bytes; their total is an estimate, or 0 if unknown.

        Returns
        -------
        Path
            The archive. Its checksums have not been tested.

        Raises
        ------
        KaggleError
            If Kaggle or the network refuses, or what came is no zip.
        StorageError
            If the disk refuses.
        """
        path = folder / f"{slug}.zip"
        task = progress.start(f"Downloading {slug}", self._size(slug))
        try:
            with _watched(path, task), self._asking(slug):
                self.api.competition_download_files(slug, path=str(folder), quiet=True)
        except _WrongSizeError:
            _remove_archive(path)
            raise
        if not zipfile.is_zipfile(path):
            _remove_archive(path)
            raise KaggleError(f"What came for {slug} is not a zip and was removed: download it again.")
        return path

    def submit(self, slug: str, csv: Path, message: str) -> int:
        """Upload a submission.

        Parameters
        ----------
        slug : str
            The competition.
        csv : Path
            The submission, which has been checked.
        message : str
            Its description. Let it be unique: only by it can a submission be found whose reply was lost.

        Returns
        -------
        int
            The submission's number, to wait for its score by.

        Raises
        ------
        BadData
            If there is no such file or it is empty.
        KaggleError
            If Kaggle or the network refuses; if the submission may count all the same, it says so.
        """
        if not csv.is_file() or not csv.stat().st_size:
            raise BadData(f"There is nothing to submit in {csv}: write it again.")
        try:
            with self._asking(slug):
                reply = self.api.competition_submit(str(csv), message, slug, quiet=True)
        except _PassingError as trouble:
            return self._sought(slug, message, trouble)
        return self._accepted(slug, reply)

    def wait_for_score(
        self, slug: str, ref: int, progress: Progress, timeout: float = 600, interval: float = 5
    ) -> Score:
        """Wait until Kaggle has scored a submission.

        Parameters
        ----------
        slug : str
            The competition.
        ref : int
            The submission's number.
        progress : Progress
            Hears that we wait.
        timeout, interval : float
            How long to wait and how often to look, in seconds.

        Returns
        -------
        Score
            COMPLETE with its scores, or PENDING if time was up.

        Raises
        ------
        KaggleError
            If Kaggle could not score it, with Kaggle's reason.
        """
        deadline = time.monotonic() + timeout
        task = progress.start("Waiting for Kaggle's score", UNKNOWN_LENGTH)
        try:
            while (score := self._score(slug, ref, progress)).status == "PENDING":
                if (left := deadline - time.monotonic()) <= 0:
                    break
                time.sleep(min(interval, left))
        finally:
            task.finish()
        if score.status == "ERROR":
            reason = score.reason or "it gives no reason"
            raise KaggleError(f"Kaggle could not score submission {ref}: {reason}; see {_submissions_page(slug)}.")
        return score

    @contextlib.contextmanager
    def _asking(self, slug: str) -> Iterator[None]:
        """Ask Kaggle without its client's own words on the screen, and with errors of ours."""
        secrets = [self.api.config_values.get(name) for name in ("key", "token")]
        with _quiet(), _translated(slug, [secret for secret in secrets if secret]):
            yield

    def _size(self, slug: str, most_pages: int = 10) -> int:
        """Estimate the archive's bytes by its files, or give 0 if there are too many of them to list."""
        total = 0
        token: str | None = None
        with self._asking(slug):
            for _ in range(most_pages):
                page = self.api.competition_list_files(slug, page_token=token, page_size=200)
                total += sum(int(file.total_bytes) for file in page.files)
                token = page.next_page_token
                if not token:
                    return total
        return UNKNOWN_LENGTH

    def _accepted(self, slug: str, reply: Any) -> int:
        """Take the number out of a reply; the client raises nothing when the upload has failed."""
        if reply.message == self.api.COMPETITION_SUBMIT_UPLOAD_FAILED_MESSAGE:
            raise KaggleError(f"The upload to {slug} failed, so nothing was submitted: try again in a minute.")
        if not reply.ref:
            reason = _one_line(reply.message) or "it gives no reason"
            raise KaggleError(f"Kaggle did not take the submission: {reason}; see {_submissions_page(slug)}.")
        return int(reply.ref)

    def _sought(self, slug: str, message: str, trouble: KaggleError, looks: int = 3) -> int:
        """Look whether a submission counts although its reply was lost."""
        listed = False
        for look in range(looks if message else 0):
            time.sleep(self.pause if look else 0)
            with contextlib.suppress(KaggleError):
                for submission in self._submissions(slug):
                    if submission.description == message:
                        return int(submission.ref)
                listed = True
        where = _submissions_page(slug)
        if listed:
            raise KaggleError(f"Nothing was submitted, as {where} shows. {trouble}") from trouble
        raise KaggleError(f"The submission may count all the same: look at {where} first. {trouble}") from trouble

    def _submissions(self, slug: str) -> list[Any]:
        """List the newest submissions."""
        with self._asking(slug):
            return list(self.api.competition_submissions(slug, page_size=100) or [])

    def _score(self, slug: str, ref: int, progress: Progress) -> Score:
        """Look once; what is not in the list yet, or cannot be asked just now, is pending."""
        try:
            submissions = self._submissions(slug)
        except _PassingError as trouble:
            progress.note(f"{trouble} Still waiting.")
            submissions = []
        for submission in submissions:
            if submission.ref == ref:
                return _score_of(submission)
        return Score(ref, "PENDING", None, None, "")


def _score_of(submission: Any) -> Score:
    """Put the client's submission into our words."""
    return Score(
        ref=int(submission.ref),
        status=submission.status.name,
        public=_number(submission.public_score),
        private=_number(submission.private_score),
        reason=_one_line(submission.error_description),
    )


def _number(text: str | None) -> float | None:
    """Read a score; it comes as text, empty if there is none."""
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _one_line(words: object) -> str:
    """Fit Kaggle's words, or none, into a sentence of ours."""
    return " ".join(str(words or "").split()).rstrip(".")


def _submissions_page(slug: str) -> str:
    """Give the page where a person sees their submissions."""
    return f"{SITE}/competitions/{slug}/submissions"


def _signed_in() -> Any:
    """Import the client, which signs in as it is imported, and again only if that failed.

    The first failure was swallowed, and the second says why.
    """
    try:
        import kaggle
        from kaggle.api.kaggle_api_extended import KaggleApi
        from kagglesdk import get_access_token_from_env
    except OSError as error:
        # Network errors are OSErrors too, but none gets out of this import: it is the settings' folder.
        where = f"its folder {error.filename}" if error.filename else "its folder"
        raise KaggleError(
            f"The kaggle client cannot use {where} ({error.strerror}): set KAGGLE_CONFIG_DIR to one that it may write."
        ) from error
    api = kaggle.api
    if not api._authenticated:
        api = KaggleApi()
        api.authenticate()
    token, source = get_access_token_from_env()
    if token and api.config_values.get("auth_method") == "LEGACY_API_KEY":
        raise KaggleError(
            f"Kaggle does not take the token in {source}, which hides your API key: remove it, or {HOW_TO_SIGN_IN}."
        )
    return api


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the client from stdout, which is for data, and from stdin, which its ``exit()`` would close."""
    stdin = sys.stdin
    sys.stdin = io.StringIO()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        sys.stdin = stdin


@contextlib.contextmanager
def _watched(path: Path, task: Task) -> Iterator[None]:
    """Report a file's growth from a thread, since the client tells nobody."""
    over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(path, task, over), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        task.finish()


def _watch(path: Path, task: Task, over: threading.Event) -> None:
    """Advance ``task`` by the bytes of ``path``, until after a last look it is over."""
    seen, last = 0, False
    while not last:
        last = over.wait(0.2)
        size = path.stat().st_size if path.is_file() else 0
        # A download that starts anew shrinks the file: the bar waits for it then.
        if size > seen:
            task.advance(size - seen)
            seen = size


def _remove_archive(path: Path) -> None:
    """Remove a spoilt download with the client's note beside it, or the client would go on from it."""
    path.unlink(missing_ok=True)
    path.with_name(path.name + ".kaggle-partial").unlink(missing_ok=True)


class _PassingError(KaggleError):
    """Trouble that may pass by itself; the request may have counted."""


class _WrongSizeError(KaggleError):
    """A download whose size is wrong when it is over: its content cannot be trusted."""


# Most special first. The errors' own texts are not shown: they hold signed addresses, or a proxy's password.
_NETWORK: tuple[tuple[type[Exception], str], ...] = (
    (
        json.JSONDecodeError,
        "Something between us and Kaggle answered in its place, perhaps a network's login page: "
        "open a browser, sign in to the network, and try again.",
    ),
    (
        requests.exceptions.ProxyError,
        "The connection to Kaggle failed at the proxy: check HTTPS_PROXY and the network, and try again.",
    ),
    (
        requests.exceptions.SSLError,
        "The connection to Kaggle is not trusted: if your network has its own certificate, name its file in "
        "REQUESTS_CA_BUNDLE.",
    ),
    (requests.Timeout, "Kaggle did not answer in time: try again in a few minutes."),
    (requests.RequestException, "The connection to Kaggle failed: check the network and try again."),
)


@contextlib.contextmanager
def _translated(slug: str = "", secrets: list[str] | None = None) -> Iterator[None]:
    """Turn whatever the client raises into one sentence that says what to do and shows no secrets."""
    try:
        yield
    # requests' errors are OSErrors, and some are ValueErrors too, so they come first.
    except requests.HTTPError as error:
        raise _refusal(error, slug, secrets or []) from error
    except (requests.RequestException, json.JSONDecodeError) as error:
        raise _PassingError(next(text for kind, text in _NETWORK if isinstance(error, kind))) from error
    except OSError as error:
        raise StorageError.from_os(error) from error
    except ValueError as error:
        if "does not match expected size" in str(error):
            raise _WrongSizeError(f"The download of {slug} was spoilt on the way and removed: try again.") from error
        raise _not_understood(error) from error
    except (KeyError, TypeError, AttributeError) as error:
        raise _not_understood(error) from error
    except SystemExit:
        raise KaggleError(f"Kaggle does not know who you are: {HOW_TO_SIGN_IN}.") from None


def _not_understood(error: Exception) -> KaggleError:
    """Blame the client, which falls over answers that it does not expect."""
    kind = type(error).__name__
    return KaggleError(f"The kaggle client stumbled over Kaggle's answer ({kind}): update it, `pip install -U kaggle`.")


def _refusal(error: requests.HTTPError, slug: str, secrets: list[str]) -> KaggleError:
    """Turn an answer of 400 or more into a sentence."""
    status, reason = _status(error), _reason(error, secrets)
    if status == 401:
        return KaggleError(f"Kaggle does not accept your token or key: {HOW_TO_SIGN_IN}.")
    if status in (403, 404):
        return _closed_door(slug, _text(error) if status == 403 else "")
    if status == 429:
        return _PassingError(f"Kaggle has had too many requests from you: try again {_pause_asked_for(error)}.")
    if status >= 500:
        return _PassingError(f"Kaggle has trouble of its own ({status}): try again in a few minutes.")
    if not reason:
        reason = "it gives no reason, but often the day's submissions are used up or the deadline is over"
    return KaggleError(f"Kaggle refused ({status}): {reason}; see {SITE}/competitions/{slug}.")


def _closed_door(slug: str, text: str) -> KaggleError:
    """Tell why a competition is closed to us; Kaggle answers 403 to a wrong slug as well."""
    if not slug:
        return KaggleError(f"Kaggle does not let you in: {HOW_TO_SIGN_IN}.")
    rules = f"{SITE}/competitions/{slug}/rules"
    if "rules" in text.lower():
        return KaggleError(f"You have not accepted the rules of {slug}: do so at {rules} and try again.")
    return KaggleError(
        f"Kaggle has no competition {slug!r}, or you have not joined it: "
        f"check the slug, or accept the rules at {rules}."
    )


def _status(error: requests.HTTPError) -> int:
    """Give the answer's status; a body may say 400 or more under a status of 200."""
    if error.response is None:
        return 500
    status = error.response.status_code
    return status if status >= 400 else int(_json(error).get("code", 500))


def _reason(error: requests.HTTPError, secrets: list[str], most: int = 300) -> str:
    """Give Kaggle's own words, if it found any, without what must not be seen."""
    reason = _one_line(_json(error).get("message"))
    for secret in secrets:
        reason = reason.replace(secret, "***")
    return reason[:most]


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


def _pause_asked_for(error: requests.HTTPError) -> str:
    """Say when to come back: Retry-After holds seconds, or a date."""
    after = error.response.headers.get("Retry-After", "") if error.response is not None else ""
    if after.isdigit():
        return f"in {after} seconds"
    return f"after {after}" if after else "in a few minutes"
