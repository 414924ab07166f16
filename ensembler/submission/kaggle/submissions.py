"""Submissions to Kaggle, and their scores."""

from __future__ import annotations

import contextlib
import math
import time
from pathlib import Path
from typing import Any

from ...errors import BadData, KaggleError
from ...progress import SILENT, Progress
from .access_errors import explained_door
from .competitions import PAGE, UNKNOWN, KaggleCompetitions
from .errors import NotLetIn, PassingError, Unsettled, one_line, submissions_page
from .facts import Submission
from .session import mark_utc

# The method of Kaggle's API that makes a submission of what was uploaded.
_SUBMISSION = "CreateSubmission"
# How often to look for a submission whose reply was lost: with pauses that double, half a minute in all.
_LOOKS = 6


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

    def _submissions(self, slug: str, token: str) -> tuple[list[Submission], str]:
        """List a page of submissions, with the token of the next; the client's own method loses it."""
        with self.asking(slug), self.api.build_kaggle_client() as client:
            from kagglesdk.competitions.types.competition_api_service import ApiListSubmissionsRequest

            request = ApiListSubmissionsRequest()
            request.competition_name = slug
            request.page_size = PAGE
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
        when=mark_utc(told.date),
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
