"""Submit an answer to Kaggle: check it, upload it once, wait for its score, remember it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ...competition.tables import Tables
from ...errors import BadChoice, BadData
from ...paths import DEFAULT_WORKSPACE, CompetitionFolder, CompetitionLike, Workspace
from ...progress import SILENT, Progress
from ...storage import compute_file_digest
from ...submission.answer import check_answer, find_newest_answer
from ...submission.kaggle.errors import format_one_line
from ...submission.kaggle.facts import Submission
from ...submission.kaggle.preflight import run_preflight
from ...submission.kaggle.retry_policy import DEFAULT_RETRIES
from ...submission.kaggle.submissions import Kaggle, refuse_unscored
from ...submission.ledger.ledger import Ledger
from ...submission.ledger.rows import Answer
from ..competition import open_competition
from ..results import SubmitResult
from .uploads import upload


def submit(
    csv: Path | None = None,
    *,
    message: str = "",
    competition: CompetitionLike | None = None,
    again: bool = False,
    dry_run: bool = False,
    wait: bool = True,
    timeout: float = DEFAULT_RETRIES.read_timeout,
    workspace: Workspace = DEFAULT_WORKSPACE,
    progress: Progress = SILENT,
) -> SubmitResult:
    """Check a CSV against the sample submission, upload it, and wait for its public score.

    What begins is written into the ledger before a byte is sent: should this process end before Kaggle's reply comes,
    `ensembler submissions` finds out what became of it.

    Parameters
    ----------
    csv
        The submission; None is the one written last.
    message
        Its description on Kaggle; the file's name, its digest and the time follow it.
    competition
        Its name; None is the one last brought in.
    again
        Upload it even if the same bytes were uploaded before.
    dry_run
        Do all but the upload.
    wait
        Wait for the score.
    timeout
        Seconds without an answer after which a question to Kaggle is repeated. An upload is never repeated blindly.

    Raises
    ------
    BadChoice
        If the competition is not on Kaggle, or the same bytes were uploaded before.
    InvalidSubmission
        If the CSV is not what the sample asks for; nothing is uploaded then.
    KaggleError
        If Kaggle or the network refuses, no submission is left for today, or Kaggle could not score it.

    Examples
    --------
    >>> checked = ensembler.submit(
    ...     Path("answer.csv"), competition="dogs-vs-cats-redux-kernels-edition", dry_run=True, again=True
    ... )
    >>> checked.status
    'DRY RUN'
    """
    folder, tables = open_competition(competition, workspace)
    slug = _require_slug(folder, tables)
    path = csv or find_newest_answer(folder.submissions)
    check_answer(path, tables.manifest, tables.photos)
    answer = _build_answer(folder, slug, path)
    ledger = Ledger(folder.workspace.submissions)
    kaggle = Kaggle.connect(replace(DEFAULT_RETRIES, read_timeout=timeout), progress)
    run_preflight(kaggle, slug, progress)
    ledger.merge(slug, kaggle.list_submissions(slug, progress), complete=True)
    now = datetime.now(UTC)
    # The digest and the time make it unique, so that an upload whose reply was lost can be found again.
    description = f"{format_one_line(message)} [{path.stem} {answer.sha256[:8]} {now:%Y%m%d-%H%M%S}]".strip()
    if dry_run:
        ledger.check_new(answer, again=again)
        return SubmitResult(path, slug, description, None, "DRY RUN", None, None)
    ref = upload(
        ledger, answer, description, lambda: kaggle.submit(slug, path, description, progress), progress, again=again
    )
    submission = kaggle.wait_for_score(slug, ref, progress) if wait else Submission(ref, "PENDING")
    if wait:
        ledger.merge(slug, [replace(submission, description=submission.description or description)])
    refuse_unscored(slug, submission)
    return SubmitResult(path, slug, description, ref, submission.status, submission.public, submission.private)


def _require_slug(folder: CompetitionFolder, tables: Tables) -> str:
    """Return the competition's name on Kaggle."""
    if folder.is_ours or not tables.manifest.slug:
        raise BadChoice(f"{folder.name} is not on Kaggle: `ensembler score` scores it here where labels are known.")
    return tables.manifest.slug


def _build_answer(folder: CompetitionFolder, slug: str, path: Path) -> Answer:
    """Describe a CSV for the ledger, which knows more of those that a stack made."""
    if not path.stat().st_size:
        raise BadData(f"There is nothing to submit in {path}: write it again.")
    # Nobody knows by what a file that was made by hand is to be compared.
    return Answer(folder.name, path, compute_file_digest(path), path.stat().st_size, slug=slug, larger_is_better=None)
