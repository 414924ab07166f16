"""Submissions to Kaggle, and their scores."""

from __future__ import annotations

import contextlib
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...errors import BadData, KaggleError
from ...progress import SILENT, Progress
from .access_errors import explain_access_error
from .competitions import PAGE_SIZE, UNKNOWN_TOTAL, KaggleCompetitions
from .errors import AccessDenied, TransientError, UnconfirmedSubmission, build_submissions_url, format_one_line
from .facts import Submission
from .polling import SCORE_POLLING, PollingPolicy
from .session import build_request, mark_utc

# The method of Kaggle's API that submits an upload.
_SUBMIT_METHOD = "CreateSubmission"
# Attempts to find a submission whose reply was lost: with pauses that double, half a minute in all.
_LOOKUP_ATTEMPTS = 6


class Kaggle(KaggleCompetitions):
    """Kaggle's API: competitions, their files, submissions and their scores.

    Methods raise ``KaggleError`` if Kaggle or the network refuses.
    """

    def submit(self, slug: str, csv: Path, message: str, progress: Progress = SILENT) -> int:
        """Upload a checked CSV and return the submission's number.

        The description ``message`` should be unique, because it identifies a submission whose response was lost.

        Raises
        ------
        BadData
            If the file is missing or empty.
        UnconfirmedSubmission
            If Kaggle's response was lost, and its list does not contain the submission yet.
        KaggleError
            If Kaggle or the network refuses. Nothing was submitted then.
        """
        if not csv.is_file() or not csv.stat().st_size:
            raise BadData(f"{csv} is missing or empty: write a new CSV with `ensembler stack`.")
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
        """List all submissions of the user to a competition, the newest first."""
        pages = self.iterate_pages(lambda token: self._list_submissions_page(slug, token), progress)
        return [submission for page, _ in pages for submission in page]

    def wait_for_score(
        self, slug: str, ref: int, progress: Progress, polling: PollingPolicy = SCORE_POLLING
    ) -> Submission:
        """Wait until Kaggle has scored the submission number ``ref``.

        Returns
        -------
        Submission
            Submission that is COMPLETE with scores, ERROR with Kaggle's reason, or PENDING after the timeout.
        """

        def look(_: float) -> Submission | None:
            submission = self._request_submission(slug, ref)
            return None if submission.status == "PENDING" else submission

        return polling.poll(look, progress, "waiting for Kaggle's score") or Submission(ref, "PENDING")

    def _list_submissions_page(self, slug: str, token: str) -> tuple[list[Submission], str]:
        """List a page of submissions, with the token of the next, which the client's own method omits."""
        with self.guard_request(slug), self.api.build_kaggle_client() as client:
            fields = {"competition_name": slug, "page_size": PAGE_SIZE, "page_token": token}
            request = build_request("ApiListSubmissionsRequest", **fields)
            reply = client.competitions.competition_api_client.list_submissions(request)
            return [_parse_submission(each) for each in reply.submissions], str(reply.next_page_token or "")

    def _parse_submit_reply(self, slug: str, reply: Any) -> int:
        """Return the submission's number. The client does not raise an error if the upload failed."""
        if reply.message == self.api.COMPETITION_SUBMIT_UPLOAD_FAILED_MESSAGE:
            raise KaggleError(f"The upload to {slug} failed, so nothing was submitted: try again in a minute.")
        if not reply.ref:
            reason = self.clean_message(reply.message) or "it gives no reason"
            raise KaggleError(f"Kaggle did not accept the submission: {reason}; see {build_submissions_url(slug)}.")
        return int(reply.ref)

    def _find_lost_submission(self, slug: str, message: str, error: TransientError) -> int:
        """Return the number of a submission whose response was lost. It may take a while until Kaggle lists it."""
        # Kaggle may change whitespace.
        wanted = message.split()

        def find() -> int:
            with contextlib.suppress(KaggleError):
                for submission in self._list_submissions_page(slug, "")[0]:
                    if submission.description.split() == wanted:
                        return submission.ref
            raise TransientError("The submission is not listed yet.")

        with contextlib.suppress(TransientError):
            if wanted:
                return replace(self.retry_policy, max_attempts=_LOOKUP_ATTEMPTS).call(find, SILENT)
        raise UnconfirmedSubmission(
            f"{error} The submission may still count: see `ensembler submissions` or {build_submissions_url(slug)}."
        ) from None

    def _request_submission(self, slug: str, ref: int) -> Submission:
        """Request a submission once. One that is not listed yet is pending."""
        try:
            with self.guard_request(slug), self.api.build_kaggle_client() as client:
                request = build_request("ApiGetSubmissionRequest", ref=ref)
                return _parse_submission(client.competitions.competition_api_client.get_submission(request))
        except AccessDenied:
            return Submission(ref, "PENDING")


def refuse_unscored(slug: str, submission: Submission) -> None:
    """Raise ``KaggleError`` if Kaggle could not score a submission."""
    if submission.status == "ERROR":
        reason = submission.reason or "it gives no reason"
        raise KaggleError(
            f"Kaggle could not score submission {submission.ref}: {reason}; see {build_submissions_url(slug)}."
        )


def _parse_submission(reply: Any) -> Submission:
    """Convert a submission of the client."""
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
    """Parse a score, which is a text and may be empty."""
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None
