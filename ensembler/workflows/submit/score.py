"""The stage ``score``: score a submission against hidden labels."""

from __future__ import annotations

from pathlib import Path

from ...options.arguments import check_arguments
from ...paths import DEFAULT_WORKSPACE, CompetitionLike, PathLike, Workspace, WorkspaceLike, require_file
from ...progress import SILENT, Progress
from ...submission.answer import find_newest_answer, score_answer
from ..competition import open_competition
from ..results import ScoreResult


@check_arguments
def score(
    csv: PathLike | None = None,
    *,
    truth: PathLike | None = None,
    competition: CompetitionLike | None = None,
    workspace: WorkspaceLike = DEFAULT_WORKSPACE,
    progress: Progress = SILENT,
) -> ScoreResult:
    """Score a submission against hidden labels.

    Parameters
    ----------
    csv
        Submission. None selects the newest.
    truth
        CSV with the columns id and label. None selects the hidden labels that `adopt` or the demo found or held out.
    competition
        Name of the competition. None selects the one last fetched or adopted.

    Raises
    ------
    BadChoice
        If the labels are missing.
    Mismatch
        If the CSVs have different ids or classes.
    BadData
        If a CSV cannot be read.

    Examples
    --------
    >>> ensembler.score(competition="pets").accuracy > 0.5
    True
    """
    folder, tables = open_competition(competition, Workspace.read(workspace))
    solution = folder.solution if truth is None else Path(truth)
    require_file(solution, "pass a CSV with the columns id and label as --truth.")
    path = find_newest_answer(folder.submissions) if csv is None else Path(csv)
    require_file(path, "pass the CSV of a submission.")
    photos = dict(zip(tables.test["id"], tables.test["path"], strict=True)) if tables.manifest.is_orientation else {}
    return ScoreResult(submission=path, **vars(score_answer(path, solution, tables.manifest, progress, photos)))
