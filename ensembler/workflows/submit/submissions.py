"""The submissions so far: what the ledger holds, once Kaggle has been asked what became of them.

Nothing here loads pandas or opens a competition's photos: a list must not keep anybody waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from ...errors import BadChoice, BadData, KaggleError, StorageError
from ...paths import DEFAULT_WORKSPACE, CompetitionFolder, CompetitionLike, Workspace
from ...progress import SILENT, Progress
from ...serialization import read_toml
from ...submission.kaggle.facts import Submission
from ...submission.ledger.ledger import Ledger
from ...submission.ledger.rows import Row
from ...tables import Listing
from .table import build_submission_table


class SubmissionLister(Protocol):
    """What is needed of Kaggle here."""

    def list_submissions(self, slug: str, /) -> list[Submission]:
        """List all our submissions to a competition."""


def submissions(
    competition: CompetitionLike | None = None,
    *,
    all_competitions: bool = False,
    offline: bool = False,
    workspace: Workspace = DEFAULT_WORKSPACE,
    progress: Progress = SILENT,
) -> Listing[Row]:
    """List what was made and submitted, newest first, with our own scores beside Kaggle's.

    Kaggle is asked first what became of it, and what else was submitted in the browser. If it cannot be asked, that is
    a warning, and the list is as the ledger has it.

    Parameters
    ----------
    competition
        Its name; None is the one last brought in.
    all_competitions
        List all competitions.
    offline
        Ask nothing of Kaggle, and read the ledger alone.

    Raises
    ------
    BadChoice
        If there is no such competition, neither in the data nor in the ledger.
    BadData, StorageError
        If the ledger is damaged, of a newer version, or cannot be read.

    Examples
    --------
    >>> rows = ensembler.submissions("pets", refresh=False)
    >>> rows[-1].stack, rows[-1].metric
    ('first', 'log loss')
    """
    if competition is not None and not isinstance(competition, str):
        folder = competition.folder
        competition, workspace = folder.name, folder.workspace
    ledger = Ledger(workspace.submissions)
    slugs = _collect_slugs(ledger, workspace, progress)
    names = sorted(slugs) if all_competitions else [_choose_competition(competition, slugs, workspace)]
    if not offline:
        refresh_ledger(ledger, sorted({slugs[name] for name in names} - {""}), _connect, progress)
    rows = ledger.list_rows() if all_competitions else ledger.list_rows(names[0], slugs[names[0]])
    return Listing(rows, partial(build_submission_table, show_competition=all_competitions))


def _choose_competition(competition: str | None, slugs: dict[str, str], workspace: Workspace) -> str:
    if competition is None:
        return workspace.current().name
    if competition not in slugs:
        raise BadChoice.from_unknown_name("competition", competition, slugs)
    return competition


def refresh_ledger(
    ledger: Ledger, slugs: Sequence[str], connect: Callable[[Progress], SubmissionLister], progress: Progress
) -> None:
    """Bring the ledger up to date; whatever keeps us from that is a warning.

    Parameters
    ----------
    ledger
        Where it is kept.
    slugs
        The competitions.
    connect
        Signs in to Kaggle; it is not called if there is nothing to ask.
    """
    if not slugs:
        return
    try:
        kaggle = connect(progress)
        for slug in progress.track(slugs, "asking Kaggle", len(slugs)):
            _refresh_competition(ledger, kaggle, slug, progress)
    except (KaggleError, StorageError) as error:
        progress.warn(f"{error} The list is as it was known before; --offline asks nothing of Kaggle.")


def _refresh_competition(ledger: Ledger, kaggle: SubmissionLister, slug: str, progress: Progress) -> None:
    """Take over one competition's submissions; if Kaggle refuses that one alone, others can still be asked about."""
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
    """Return the slug of each competition, by our name of it; what lies in the data wins over what was recorded."""
    slugs: dict[str, str] = {}
    for row in ledger.list_rows():
        slugs[row.competition] = slugs.get(row.competition) or row.slug
    for name in workspace.competitions():
        slugs[name] = _read_slug(workspace.competition(name), progress) or slugs.get(name, "")
    return slugs


def _read_slug(folder: CompetitionFolder, progress: Progress) -> str:
    """Read the slug alone: a manifest that is wrong elsewhere is no matter here."""
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

    # Who waits for a list would rather have yesterday's than wait for half a minute.
    retry_policy = RetryPolicy(connect_timeout=5.0, read_timeout=20.0, max_attempts=2, max_retry_after=5.0)
    return Kaggle.connect(retry_policy, progress)
