"""Facts and files of competitions on Kaggle."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from ...errors import BadChoice
from ...progress import SILENT, Progress
from ...storage import require_space
from .access_errors import explain_access_error
from .download import download
from .errors import SITE, AccessDenied, format_one_line
from .facts import CompetitionFacts, SubmissionLimits
from .session import KaggleSession, build_request, mark_utc

COMPETITION_URL = re.compile(r"(?:https?://)?(?:www\.)?kaggle\.com/(?:c|competitions)/([^/?#]+)", re.IGNORECASE)
UNKNOWN_TOTAL = 0
PAGE_SIZE = 200
# Pages of files that are listed to check the free disk space. More would need too many requests.
_MAX_PAGES = 10


def parse_slug(text: str) -> str:
    """Parse a competition's slug from a slug or an address."""
    address = COMPETITION_URL.match(text.strip())
    slug = (address[1] if address else text.strip()).lower()
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", slug):
        raise BadChoice(
            f"{text!r} is not a competition: pass its slug or the address of its page, {SITE}/competitions/SLUG."
        )
    return slug


class KaggleCompetitions(KaggleSession):
    """The part of Kaggle's API for competitions."""

    def fetch_competition(self, slug: str, progress: Progress = SILENT) -> CompetitionFacts:
        """Return facts about a competition. The error for an unknown slug suggests similar ones."""
        try:
            return self.retry_policy.call(lambda: self.request_facts(slug), progress)
        except AccessDenied as closed:
            raise explain_access_error(closed, self) from None

    def request_facts(self, slug: str) -> CompetitionFacts:
        """Return facts about a competition, without retries."""
        with self.guard_request(slug), self.api.build_kaggle_client() as client:
            request = build_request("ApiGetCompetitionRequest", competition_name=slug)
            reply = client.competitions.competition_api_client.get_competition(request)
            return CompetitionFacts(
                slug=slug,
                metric=format_one_line(reply.evaluation_metric),
                deadline=mark_utc(reply.deadline),
                entry_deadline=mark_utc(reply.new_entrant_deadline),
                daily_limit=int(reply.max_daily_submissions or 0),
                entered=bool(reply.user_has_entered),
                code_only=bool(reply.is_kernels_submissions_only),
                closed=bool(reply.submissions_disabled),
            )

    def fetch_limits(self, slug: str, progress: Progress = SILENT) -> SubmissionLimits | None:
        """Return the remaining submissions of today; None if Kaggle does not report them."""

        def request_limits() -> Any:
            with self.guard_request(slug):
                return self.api.competition_get_submission_limits(slug)

        try:
            reply = self.retry_policy.call(request_limits, progress)
        except AccessDenied:
            return None
        # All are zero for a user without a team.
        if not (reply.num_today or reply.num_total or reply.num_allowed_now):
            return None
        return SubmissionLimits(int(reply.num_today), int(reply.num_allowed_now), bool(reply.limited_by_total))

    def search_competitions(self, text: str) -> list[str]:
        """Return the slugs of competitions that Kaggle finds for a text."""
        with self.guard_request():
            listed = self.api.competitions_list(search=text, page_size=20)
            return [str(each.ref).rstrip("/").rpartition("/")[2] for each in listed.competitions]

    def download(self, slug: str, folder: Path, progress: Progress) -> Path:
        """Download all files of a competition to ``folder/SLUG.zip``, and resume an earlier attempt.

        Checksums are not verified.

        Raises
        ------
        KaggleError
            If Kaggle or the network refuses, or the file is not a zip.
        StorageError
            If the disk refuses, or lacks space for the archive and its files.
        """
        try:
            files = self._sum_file_sizes(slug, progress)
            return download(
                lambda headers: self._request_archive(slug, headers),
                folder / f"{slug}.zip",
                progress,
                retry_policy=self.retry_policy,
                make_room=lambda size, rest: require_space(
                    folder, rest + max(size, files), f"{slug}, its archive and its files,"
                ),
                translate_errors=lambda: self.translate_errors(slug),
            )
        except AccessDenied as closed:
            raise explain_access_error(closed, self) from None

    def _request_archive(self, slug: str, headers: Mapping[str, str]) -> requests.Response:
        """Request the archive. The body is read later."""
        with self.guard_request(slug), self.api.build_kaggle_client() as client:
            request = build_request("ApiDownloadDataFilesRequest", competition_name=slug)
            # The redirect to the storage keeps the session's headers.
            client.http_client()._session.headers.update(headers)
            response: requests.Response = client.competitions.competition_api_client.download_data_files(request)
            return response

    def _sum_file_sizes(self, slug: str, progress: Progress) -> int:
        """Return the total size of a competition's files in bytes; 0 if there are too many to list."""

        def list_page(token: str) -> tuple[list[Any], str]:
            with self.guard_request(slug):
                page = self.api.competition_list_files(slug, page_token=token or None, page_size=PAGE_SIZE)
                return list(page.files), str(page.next_page_token or "")

        pages = list(itertools.islice(self.iterate_pages(list_page, progress), _MAX_PAGES))
        is_complete = len(pages) < _MAX_PAGES or not pages[-1][1]
        return sum(int(file.total_bytes) for files, _ in pages for file in files) if is_complete else UNKNOWN_TOTAL
