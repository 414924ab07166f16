"""What Kaggle tells of a competition, and its files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from ...errors import BadChoice
from ...progress import SILENT, Progress
from ...storage import require_space
from .access_errors import explained_door
from .download import download
from .errors import SITE, NotLetIn, one_line
from .facts import CompetitionFacts, Limits
from .session import KaggleSession, mark_utc

ADDRESS = re.compile(r"(?:https?://)?(?:www\.)?kaggle\.com/(?:c|competitions)/([^/?#]+)", re.IGNORECASE)
UNKNOWN = 0
PAGE = 200
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


class KaggleCompetitions(KaggleSession):
    """What is asked of Kaggle about a competition."""

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
                deadline=mark_utc(told.deadline),
                entry_deadline=mark_utc(told.new_entrant_deadline),
                daily_limit=int(told.max_daily_submissions or 0),
                entered=bool(told.user_has_entered),
                code_only=bool(told.is_kernels_submissions_only),
                closed=bool(told.submissions_disabled),
            )

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
            return self.api.competition_list_files(slug, page_token=token, page_size=PAGE)
