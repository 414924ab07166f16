"""The stage ``submissions``: list the ledger after an update from Kaggle.

To start quickly, it neither loads pandas nor opens a competition's tables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from ...errors import BadChoice, BadData, KaggleError, StorageError
from ...options.arguments import check_arguments
from ...paths import DEFAULT_WORKSPACE, CompetitionFolder, CompetitionLike, Workspace, WorkspaceLike
from ...progress import SILENT, Progress
from ...serialization import read_toml
from ...submission.kaggle.facts import Submission
from ...submission.ledger.ledger import Ledger
from ...submission.ledger.rows import Row
from ...tables import Listing
from .table import build_submission_table


class SubmissionLister(Protocol):
    """Part of the Kaggle client that this module needs."""

    def list_submissions(self, slug: str, /) -> list[Submission]:
        """List all of the user's submissions to a competition."""


@check_arguments
def submissions(
    competition: CompetitionLike | None = None,
    *,
    all_competitions: bool = False,
    offline: bool = False,
    workspace: WorkspaceLike = DEFAULT_WORKSPACE,
    progress: Progress = SILENT,
) -> Listing[Row]:
    """List submissions with local scores and Kaggle's scores, newest first.

    The list includes submissions that were not uploaded, and uploads in the browser. The ledger is first updated from
    Kaggle. If that fails, a warning is emitted, and the list is that of the ledger.

    Parameters
    ----------
    competition
        Name of the competition. None selects the one last fetched or adopted.
    all_competitions
        Whether to list the submissions of all competitions.
    offline
        Whether to read the ledger without contacting Kaggle.

    Raises
    ------
    BadChoice
        If the competition exists neither in the workspace nor in the ledger.
    BadData, StorageError
        If the ledger is damaged or of a newer version, or cannot be read.

    Examples
    --------
    >>> rows = ensembler.submissions("pets", offline=True)
    >>> rows[-1].stack, rows[-1].metric
    ('first', 'log loss')
    """
    workspace = Workspace.read(workspace)
    if competition is not None and not isinstance(competition, str):
        folder = competition.folder
        competition, workspace = folder.name, folder.workspace
    ledger = Ledger(workspace.submissions)
    slugs = _collect_slugs(ledger, workspace, progress)
    names = sorted(slugs) if all_competitions else [_choose_competition(competition, slugs, workspace)]
    if not offline:
        refresh_ledger(ledger, sorted({slugs[name] for name in names} - {""}), _connect, progress)
    rows = ledger.list_rows() if all_competitions else ledger.list_rows(names[0], slugs[names[0]])
    build = partial(build_submission_table, show_competition=all_competitions)
    return Listing(rows, build, keys=("file_name", "stack"))


def _choose_competition(competition: str | None, slugs: dict[str, str], workspace: Workspace) -> str:
    if competition is None:
        return workspace.current().name
    if competition not in slugs:
        raise BadChoice.from_unknown_name("competition", competition, slugs)
    return competition


def refresh_ledger(
    ledger: Ledger, slugs: Sequence[str], connect: Callable[[Progress], SubmissionLister], progress: Progress
) -> None:
    """Update the ledger from Kaggle. A failure is a warning.

    Parameters
    ----------
    ledger
        Ledger to update.
    slugs
        Slugs of the competitions.
    connect
        Function that signs in to Kaggle. It is not called without slugs.
    """
    if not slugs:
        return
    try:
        kaggle = connect(progress)
        for slug in progress.track(slugs, "asking Kaggle", len(slugs)):
            _refresh_competition(ledger, kaggle, slug, progress)
    except (KaggleError, StorageError) as error:
        progress.warn(
            f"{error} The list is that of the last update; `ensembler submissions --offline` shows it without "
            "contacting Kaggle."
        )


def _refresh_competition(ledger: Ledger, kaggle: SubmissionLister, slug: str, progress: Progress) -> None:
    """Merge a competition's submissions into the ledger. A refusal of this competition alone is a warning."""
    from ...submission.kaggle.errors import BadCredential, TransientError

    try:
        listed = kaggle.list_submissions(slug)
    except (BadCredential, TransientError):
        raise
    except KaggleError as error:
        progress.warn(str(error))
    else:
        ledger.merge(slug, listed, complete=True)


def _collect_slugs(ledger: Ledger, workspace: Workspace, progress: Progress) -> dict[str, str]:
    """Return the slug of each competition by name. Manifests override the ledger."""
    slugs: dict[str, str] = {}
    for row in ledger.list_rows():
        slugs[row.competition] = slugs.get(row.competition) or row.slug
    for name in workspace.competitions():
        slugs[name] = _read_slug(workspace.competition(name), progress) or slugs.get(name, "")
    return slugs


def _read_slug(folder: CompetitionFolder, progress: Progress) -> str:
    """Read the slug, ignoring other errors in the manifest."""
    if folder.is_ours:
        return ""
    try:
        return str(read_toml(folder.manifest).get("slug", ""))
    except BadData as error:
        progress.warn(str(error))
        return ""


def _connect(progress: Progress) -> SubmissionLister:
    from ...submission.kaggle.retry_policy import RetryPolicy
    from ...submission.kaggle.submissions import Kaggle

    # A list that is out of date is better than a long wait.
    retry_policy = RetryPolicy(connect_timeout=5.0, read_timeout=20.0, max_attempts=2, max_retry_after=5.0)
    return Kaggle.connect(retry_policy, progress)
