"""The stage ``submit``: check a submission, upload it once, and wait for its score."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ...errors import BadChoice, BadData
from ...options.arguments import Seconds, check_arguments
from ...paths import DEFAULT_WORKSPACE, CompetitionLike, PathLike, Workspace, WorkspaceLike, require_file
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


@check_arguments
def submit(
    csv: PathLike | None = None,
    *,
    message: str = "",
    competition: CompetitionLike | None = None,
    again: bool = False,
    dry_run: bool = False,
    wait: bool = True,
    timeout: Seconds = DEFAULT_RETRIES.read_timeout,
    workspace: WorkspaceLike = DEFAULT_WORKSPACE,
    progress: Progress = SILENT,
) -> SubmitResult:
    """Check a CSV against the sample submission, upload it, and wait for its public score.

    The ledger records the upload before it starts. If the process ends before Kaggle replies, `ensembler submissions`
    finds out whether the upload succeeded.

    Parameters
    ----------
    csv
        Submission. None selects the newest.
    message
        Description on Kaggle, followed by the file's name, its digest and the time.
    competition
        Name of the competition. None selects the one last fetched or adopted.
    again
        Whether to upload the file even if the same bytes were uploaded before.
    dry_run
        Whether to do everything except the upload.
    wait
        Whether to wait for the score.
    timeout
        Seconds without a reply from Kaggle after which a request is repeated. Uploads are not repeated.

    Raises
    ------
    BadChoice
        If the competition is not on Kaggle, or the same bytes were uploaded before.
    InvalidSubmission
        If the CSV does not match the sample submission. Then nothing is uploaded.
    KaggleError
        If Kaggle or the network refuses a request, no submission is left for today, or Kaggle cannot score the file.

    Examples
    --------
    >>> checked = ensembler.submit(
    ...     "answer.csv", competition="dogs-vs-cats-redux-kernels-edition", dry_run=True, again=True
    ... )
    >>> checked.status
    'DRY RUN'
    """
    folder, tables = open_competition(competition, Workspace.read(workspace))
    slug = tables.manifest.slug
    if folder.is_ours or not slug:
        raise BadChoice(f"{folder.name} is not on Kaggle: score the submission locally with `ensembler score`.")
    path = find_newest_answer(folder.submissions) if csv is None else Path(csv)
    require_file(path, "pass the CSV of a submission.")
    check_answer(path, tables.manifest, tables.photos)
    if not path.stat().st_size:
        raise BadData(f"The file {path} is empty: write it again.")
    # The ledger already has the details of a stack's CSV. A file made by hand has no local score to compare with.
    answer = Answer(folder.name, path, compute_file_digest(path), path.stat().st_size, slug=slug, larger_is_better=None)
    ledger = Ledger(folder.workspace.submissions)
    kaggle = Kaggle.connect(replace(DEFAULT_RETRIES, read_timeout=timeout), progress)
    run_preflight(kaggle, slug, progress)
    ledger.merge(slug, kaggle.list_submissions(slug, progress), complete=True)
    now = datetime.now(UTC)
    # Digest and time make the description unique, so that an upload without a reply can be found by it.
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
