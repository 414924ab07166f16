"""The stage ``score``: score a submission against hidden labels."""

from __future__ import annotations

from pathlib import Path

from ...errors import BadChoice
from ...paths import DEFAULT_WORKSPACE, CompetitionLike, Workspace
from ...progress import SILENT, Progress
from ...submission.answer import find_newest_answer, score_answer
from ..competition import open_competition
from ..results import ScoreResult


def score(
    csv: Path | None = None,
    *,
    truth: Path | None = None,
    competition: CompetitionLike | None = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
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
    folder, tables = open_competition(competition, workspace)
    solution = truth or folder.solution
    if not solution.is_file():
        raise BadChoice(f"The labels {solution} do not exist: pass a CSV with columns id and label as --truth.")
    path = csv or find_newest_answer(folder.submissions)
    return ScoreResult(submission=path, **vars(score_answer(path, solution, tables.manifest, progress)))
