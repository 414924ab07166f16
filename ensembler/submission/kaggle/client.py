"""The way to Kaggle and back: what it tells of a competition, its files, submissions and their scores."""

from __future__ import annotations

import contextlib
import math
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from ...errors import BadChoice, BadData, KaggleError
from ...progress import SILENT, Progress
from ...storage import require_space
from .access_errors import explained_door
from .download import download
from .errors import SITE, NotLetIn, PassingError, Unsettled, one_line, submissions_page, translated, without_secrets
from .facts import CompetitionFacts, Limits, Submission
from .retry_policy import PATIENT, Patience
from .sign_in import explained, quiet, sign_in

ADDRESS = re.compile(r"(?:https?://)?(?:www\.)?kaggle\.com/(?:c|competitions)/([^/?#]+)", re.IGNORECASE)
UNKNOWN = 0
_PAGE = 200
# The method of Kaggle's API that makes a submission of what was uploaded.
_SUBMISSION = "CreateSubmission"
# How often to look for a submission whose reply was lost: with pauses that double, half a minute in all.
_LOOKS = 6
# Pages of files to list for the sake of the disk's free space: more would be one request too many.
_MOST_PAGES = 10


def slug_of(text: str) -> str:
    """Find a competition's slug in what a person typed or copied from the browser.

    Raises
    ------
    BadChoice
        If ``text`` is neither a slug nor the address of a competition.
    """
    address = ADDRESS.match(text.strip())
    slug = (address[1] if address else text.strip()).lower()
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", slug):
        raise BadChoice(
            f"{text!r} is no competition: give its slug or its address, {SITE}/competitions/SLUG, "
            "as the browser shows it."
        )
    return slug


@dataclass(frozen=True)
class Kaggle:
    """Kaggle, signed in. ``api`` is the client of the ``kaggle`` package; call it under :meth:`asking` alone."""

    api: Any
    patience: Patience = PATIENT

    @classmethod
    def connect(cls, patience: Patience = PATIENT, progress: Progress = SILENT) -> Kaggle:
        """Sign in with the credentials that the ``kaggle`` package finds.

        Raises
        ------
        KaggleError
            If there are none, they are refused, or the network is down.
        """
        return cls(patience.persist(lambda: sign_in(patience), progress), patience)

    @property
    def username(self) -> str:
        """Who we are."""
        return str(self.api.config_values.get("username", ""))

    @contextlib.contextmanager
    def asking(self, slug: str = "") -> Iterator[None]:
        """Ask Kaggle without its client's own words on the screen, within limits of time, and with errors of ours.

        Parameters
        ----------
        slug : str
            The competition that is asked about; errors name it.
        """
        with quiet(), self.patience.limits(), self.translated(slug):
            yield

    @contextlib.contextmanager
    def translated(self, slug: str = "") -> Iterator[None]:
        """Turn what the client and the network raise into errors of ours that hold no secrets."""
        used = self.api.config_values.get("auth_method")
        with explained(used), translated(slug, self._secrets):
            yield

    def words(self, told: object) -> str:
        """Fit Kaggle's own words, or none, into a sentence of ours, without our key or token."""
        return without_secrets(one_line(told), self._secrets)

    @property
    def _secrets(self) -> list[str]:
        values = self.api.config_values
        return [str(values[name]) for name in ("key", "token") if values.get(name)]

    def competition(self, slug: str, progress: Progress = SILENT) -> CompetitionFacts:
        """Ask what Kaggle knows of a competition.

        Raises
        ------
        KaggleError
            If there is no such competition, which names near ones, or Kaggle or the network refuses.
        """
        try:
            return self.patience.persist(lambda: self.facts(slug), progress)
        except NotLetIn as closed:
            raise explained_door(closed, self) from None

    def download(self, slug: str, folder: Path, progress: Progress) -> Path:
        """Download all files of a competition, or what is missing of an earlier attempt.

        Parameters
        ----------
        slug : str
            The competition.
        folder : Path
            Where to put ``SLUG.zip``; it is made if need be.
        progress : Progress
            Hears of the bytes and of second attempts.

        Returns
        -------
        Path
            The archive. Its checksums have not been tested.

        Raises
        ------
        KaggleError
            If Kaggle or the network refuses, or what came is no zip.
        StorageError
            If the disk refuses, or has no room for the archive and its files.
        """
        try:
            files = self._size_of_files(slug, progress)
            return download(
                lambda headers: self._archive(slug, headers),
                folder / f"{slug}.zip",
                progress,
                patience=self.patience,
                make_room=lambda size, rest: require_space(
                    folder, rest + max(size, files), f"{slug}, its archive and its files,"
                ),
                translated=lambda: self.translated(slug),
            )
        except NotLetIn as closed:
            raise explained_door(closed, self) from None

    def submit(self, slug: str, csv: Path, message: str, progress: Progress = SILENT) -> int:
        """Upload a submission.

        Parameters
        ----------
        slug : str
            The competition.
        csv : Path
            The submission, which has been checked.
        message : str
            Its description. Let it be unique: only by it can a submission be found whose reply was lost.
        progress : Progress
            Hears that we upload.

        Returns
        -------
        int
            The submission's number, to wait for its score by.

        Raises
        ------
        BadData
            If there is no such file or it is empty.
        Unsettled
            If Kaggle's reply was lost, and its list does not have the submission yet.
        KaggleError
            If Kaggle or the network refuses; nothing was submitted then.
        """
        if not csv.is_file() or not csv.stat().st_size:
            raise BadData(f"There is nothing to submit in {csv}: make it anew with `ensembler stack`.")
        task = progress.start(f"uploading {csv.name}", UNKNOWN)
        try:
            with self.asking(slug):
                reply = self.api.competition_submit(str(csv), message, slug, quiet=True)
                return self._accepted(slug, reply)
        except PassingError as trouble:
            if not trouble.may_have_done(_SUBMISSION):
                raise KaggleError(f"Nothing was submitted. {trouble}") from None
            return self._sought(slug, message, trouble)
        except NotLetIn as closed:
            raise explained_door(closed, self) from None
        finally:
            task.finish()

    def submissions(self, slug: str, progress: Progress = SILENT) -> list[Submission]:
        """List all our submissions to a competition, the newest first.

        Raises
        ------
        KaggleError
            If Kaggle or the network refuses.
        """
        found: list[Submission] = []
        token = ""
        while True:
            page, token = self.patience.persist(lambda token=token: self._submissions(slug, token), progress)  # type: ignore[misc]
            found += page
            if not token or not page:
                return found

    def limits(self, slug: str, progress: Progress = SILENT) -> Limits | None:
        """Ask how many more submissions are taken today; None if Kaggle does not say.

        Raises
        ------
        KaggleError
            If Kaggle or the network refuses.
        """

        def ask() -> Any:
            with self.asking(slug):
                return self.api.competition_get_submission_limits(slug)

        try:
            told = self.patience.persist(ask, progress)
        except NotLetIn:
            return None
        # All are zero for those who are on no team yet.
        if not (told.num_today or told.num_total or told.num_allowed_now):
            return None
        return Limits(int(told.num_today), int(told.num_allowed_now), bool(told.limited_by_total))

    def search(self, text: str) -> list[str]:
        """Return slugs of competitions that Kaggle finds for some words."""
        with self.asking():
            listed = self.api.competitions_list(search=text, page_size=20)
            return [str(each.ref).rstrip("/").rpartition("/")[2] for each in listed.competitions]

    def wait_for_score(
        self, slug: str, ref: int, progress: Progress, timeout: float = 600, interval: float = 5
    ) -> Submission:
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
        Submission
            COMPLETE with its scores, ERROR with Kaggle's reason, or PENDING if time was up.

        Raises
        ------
        KaggleError
            If Kaggle refuses to tell.
        """
        deadline = time.monotonic() + timeout
        told: set[str] = set()
        task = progress.start("waiting for Kaggle's score", UNKNOWN)
        try:
            while True:
                seen, pause = Submission(ref, "PENDING"), interval
                try:
                    seen = self._look(slug, ref)
                except PassingError as trouble:
                    pause = max(interval, trouble.pause or 0)
                    if str(trouble) not in told:
                        progress.note(f"{trouble} Still waiting.")
                        told.add(str(trouble))
                left = deadline - time.monotonic()
                if seen.status != "PENDING" or left <= 0:
                    return seen
                time.sleep(min(pause, left))
        finally:
            task.finish()

    def facts(self, slug: str) -> CompetitionFacts:
        """Ask once what Kaggle knows of a competition."""
        with self.asking(slug), self.api.build_kaggle_client() as client:
            from kagglesdk.competitions.types.competition_api_service import ApiGetCompetitionRequest

            request = ApiGetCompetitionRequest()
            request.competition_name = slug
            told = client.competitions.competition_api_client.get_competition(request)
            return CompetitionFacts(
                slug=slug,
                metric=one_line(told.evaluation_metric),
                deadline=_utc(told.deadline),
                entry_deadline=_utc(told.new_entrant_deadline),
                daily_limit=int(told.max_daily_submissions or 0),
                entered=bool(told.user_has_entered),
                code_only=bool(told.is_kernels_submissions_only),
                closed=bool(told.submissions_disabled),
            )

    def _archive(self, slug: str, headers: Mapping[str, str]) -> requests.Response:
        """Ask for the archive; what follows the storage's headers is read later."""
        with self.asking(slug), self.api.build_kaggle_client() as client:
            from kagglesdk.competitions.types.competition_api_service import ApiDownloadDataFilesRequest

            request = ApiDownloadDataFilesRequest()
            request.competition_name = slug
            # The storage is reached by a redirect, which takes the session's headers along.
            client.http_client()._session.headers.update(headers)
            answer: requests.Response = client.competitions.competition_api_client.download_data_files(request)
            return answer

    def _size_of_files(self, slug: str, progress: Progress) -> int:
        """Sum up the bytes of a competition's files, or give 0 if there are too many of them to list."""
        total = 0
        token: str | None = None
        for _ in range(_MOST_PAGES):
            page = self.patience.persist(lambda token=token: self._files(slug, token), progress)  # type: ignore[misc]
            total += sum(int(file.total_bytes) for file in page.files)
            token = page.next_page_token
            if not token:
                return total
        return UNKNOWN

    def _files(self, slug: str, token: str | None) -> Any:
        with self.asking(slug):
            return self.api.competition_list_files(slug, page_token=token, page_size=_PAGE)

    def _submissions(self, slug: str, token: str) -> tuple[list[Submission], str]:
        """List a page of submissions, with the token of the next; the client's own method loses it."""
        with self.asking(slug), self.api.build_kaggle_client() as client:
            from kagglesdk.competitions.types.competition_api_service import ApiListSubmissionsRequest

            request = ApiListSubmissionsRequest()
            request.competition_name = slug
            request.page_size = _PAGE
            request.page_token = token
            told = client.competitions.competition_api_client.list_submissions(request)
            return [_submission(each) for each in told.submissions], str(told.next_page_token or "")

    def _accepted(self, slug: str, reply: Any) -> int:
        """Take the number out of a reply; the client raises nothing when the upload has failed."""
        if reply.message == self.api.COMPETITION_SUBMIT_UPLOAD_FAILED_MESSAGE:
            raise KaggleError(f"The upload to {slug} failed, so nothing was submitted: try again in a minute.")
        if not reply.ref:
            reason = self.words(reply.message) or "it gives no reason"
            raise KaggleError(f"Kaggle did not take the submission: {reason}; see {submissions_page(slug)}.")
        return int(reply.ref)

    def _sought(self, slug: str, message: str, trouble: PassingError) -> int:
        """Look whether a submission counts although its reply was lost; Kaggle's list may take a while."""
        wanted = message.split()
        for look in range(_LOOKS if wanted else 0):
            time.sleep(self.patience.pause(look, None) if look else 0)
            with contextlib.suppress(KaggleError):
                for submission in self._submissions(slug, "")[0]:
                    # Kaggle may have its own mind about blanks.
                    if submission.description.split() == wanted:
                        return submission.ref
        raise Unsettled(
            f"{trouble} The submission may count all the same: `ensembler submissions` will tell, or look at "
            f"{submissions_page(slug)}."
        ) from None

    def _look(self, slug: str, ref: int) -> Submission:
        """Look once; what is not there yet is pending."""
        try:
            with self.asking(slug), self.api.build_kaggle_client() as client:
                from kagglesdk.competitions.types.competition_api_service import ApiGetSubmissionRequest

                request = ApiGetSubmissionRequest()
                request.ref = ref
                return _submission(client.competitions.competition_api_client.get_submission(request))
        except NotLetIn:
            return Submission(ref, "PENDING")


def refuse_unscored(slug: str, submission: Submission) -> None:
    """Make sure that Kaggle did not fail to score a submission.

    Raises
    ------
    KaggleError
        If it did, with its reason.
    """
    if submission.status == "ERROR":
        reason = submission.reason or "it gives no reason"
        raise KaggleError(
            f"Kaggle could not score submission {submission.ref}: {reason}; see {submissions_page(slug)}."
        )


def _submission(told: Any) -> Submission:
    """Put the client's submission into our words."""
    return Submission(
        ref=int(told.ref),
        status=told.status.name,
        public=_number(told.public_score),
        private=_number(told.private_score),
        reason=one_line(told.error_description),
        when=_utc(told.date),
        file_name=str(told.file_name or ""),
        description=str(told.description or ""),
        total_bytes=int(told.total_bytes or 0),
    )


def _number(text: str | None) -> float | None:
    """Read a score; it comes as text, empty if there is none."""
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _utc(when: datetime | None) -> datetime | None:
    """Mark a time as what it is; the client drops the mark in some places."""
    if when is None:
        return None
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
