"""Submissions to Kaggle, and their scores."""

from __future__ import annotations

import contextlib
import math
import time
from pathlib import Path
from typing import Any

from ...errors import BadData, KaggleError
from ...progress import SILENT, Progress
from .access_errors import explain_access_error
from .competitions import PAGE_SIZE, UNKNOWN_TOTAL, KaggleCompetitions
from .errors import AccessDenied, TransientError, UnconfirmedSubmission, build_submissions_url, format_one_line
from .facts import Submission
from .session import mark_utc

# The method of Kaggle's API that makes a submission of what was uploaded.
_SUBMIT_METHOD = "CreateSubmission"
# How often to look for a submission whose reply was lost: with pauses that double, half a minute in all.
_LOOKUP_ATTEMPTS = 6


class Kaggle(KaggleCompetitions):
    """The way to Kaggle and back: competitions, their files, submissions and their scores."""

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
        UnconfirmedSubmission
            If Kaggle's reply was lost, and its list does not have the submission yet.
        KaggleError
            If Kaggle or the network refuses; nothing was submitted then.
        """
        if not csv.is_file() or not csv.stat().st_size:
            raise BadData(f"There is nothing to submit in {csv}: make it anew with `ensembler stack`.")
        task = progress.start(f"uploading {csv.name}", UNKNOWN_TOTAL)
        try:
            with self.guard_request(slug):
                reply = self.api.competition_submit(str(csv), message, slug, quiet=True)
                return self._parse_submit_reply(slug, reply)
        except TransientError as error:
            if not error.may_have_done(_SUBMIT_METHOD):
                raise KaggleError(f"Nothing was submitted. {error}") from None
            return self._find_lost_submission(slug, message, error)
        except AccessDenied as closed:
            raise explain_access_error(closed, self) from None
        finally:
            task.finish()

    def list_submissions(self, slug: str, progress: Progress = SILENT) -> list[Submission]:
        """List all our submissions to a competition, the newest first.

        Raises
        ------
        KaggleError
            If Kaggle or the network refuses.
        """
        found: list[Submission] = []
        token = ""
        while True:
            page, token = self.retry_policy.call(lambda token=token: self._list_submissions_page(slug, token), progress)  # type: ignore[misc]
            found += page
            if not token or not page:
                return found

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
        reported: set[str] = set()
        task = progress.start("waiting for Kaggle's score", UNKNOWN_TOTAL)
        try:
            while True:
                submission, pause = Submission(ref, "PENDING"), interval
                try:
                    submission = self._request_submission(slug, ref)
                except TransientError as error:
                    pause = max(interval, error.retry_after or 0)
                    if str(error) not in reported:
                        progress.note(f"{error} Still waiting.")
                        reported.add(str(error))
                left = deadline - time.monotonic()
                if submission.status != "PENDING" or left <= 0:
                    return submission
                time.sleep(min(pause, left))
        finally:
            task.finish()

    def _list_submissions_page(self, slug: str, token: str) -> tuple[list[Submission], str]:
        """List a page of submissions, with the token of the next; the client's own method loses it."""
        with self.guard_request(slug), self.api.build_kaggle_client() as client:
            from kagglesdk.competitions.types.competition_api_service import ApiListSubmissionsRequest

            request = ApiListSubmissionsRequest()
            request.competition_name = slug
            request.page_size = PAGE_SIZE
            request.page_token = token
            reply = client.competitions.competition_api_client.list_submissions(request)
            return [_parse_submission(each) for each in reply.submissions], str(reply.next_page_token or "")

    def _parse_submit_reply(self, slug: str, reply: Any) -> int:
        """Take the number out of a reply; the client raises nothing when the upload has failed."""
        if reply.message == self.api.COMPETITION_SUBMIT_UPLOAD_FAILED_MESSAGE:
            raise KaggleError(f"The upload to {slug} failed, so nothing was submitted: try again in a minute.")
        if not reply.ref:
            reason = self.clean_message(reply.message) or "it gives no reason"
            raise KaggleError(f"Kaggle did not take the submission: {reason}; see {build_submissions_url(slug)}.")
        return int(reply.ref)

    def _find_lost_submission(self, slug: str, message: str, error: TransientError) -> int:
        """Look whether a submission counts although its reply was lost; Kaggle's list may take a while."""
        wanted = message.split()
        for attempt in range(_LOOKUP_ATTEMPTS if wanted else 0):
            time.sleep(self.retry_policy.compute_pause(attempt, None) if attempt else 0)
            with contextlib.suppress(KaggleError):
                for submission in self._list_submissions_page(slug, "")[0]:
                    # Kaggle may have its own mind about blanks.
                    if submission.description.split() == wanted:
                        return submission.ref
        raise UnconfirmedSubmission(
            f"{error} The submission may count all the same: `ensembler submissions` will tell, or look at "
            f"{build_submissions_url(slug)}."
        ) from None

    def _request_submission(self, slug: str, ref: int) -> Submission:
        """Look once; what is not there yet is pending."""
        try:
            with self.guard_request(slug), self.api.build_kaggle_client() as client:
                from kagglesdk.competitions.types.competition_api_service import ApiGetSubmissionRequest

                request = ApiGetSubmissionRequest()
                request.ref = ref
                return _parse_submission(client.competitions.competition_api_client.get_submission(request))
        except AccessDenied:
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
            f"Kaggle could not score submission {submission.ref}: {reason}; see {build_submissions_url(slug)}."
        )


def _parse_submission(reply: Any) -> Submission:
    """Put the client's submission into our words."""
    return Submission(
        ref=int(reply.ref),
        status=reply.status.name,
        public=_parse_score(reply.public_score),
        private=_parse_score(reply.private_score),
        reason=format_one_line(reply.error_description),
        when=mark_utc(reply.date),
        file_name=str(reply.file_name or ""),
        description=str(reply.description or ""),
        total_bytes=int(reply.total_bytes or 0),
    )


def _parse_score(text: str | None) -> float | None:
    """Read a score; it comes as text, empty if there is none."""
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None
