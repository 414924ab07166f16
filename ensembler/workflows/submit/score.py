"""Score an answer here, where the hidden labels are known."""

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
        The submission; None is the one written last.
    truth
        A CSV with the columns id and label; None is the one that `adopt` or the demo kept apart.
    competition
        Its name; None is the one last brought in.

    Raises
    ------
    BadChoice
        If there are no hidden labels.
    Mismatch
        If the two CSVs have different ids or classes.
    BadData
        If one of them cannot be read.

    Examples
    --------
    >>> ensembler.score(competition="pets").accuracy > 0.5
    True
    """
    del progress
    folder, tables = open_competition(competition, workspace)
    solution = truth or folder.solution
    if not solution.is_file():
        raise BadChoice(f"There are no labels in {solution}: name a CSV with columns id and label by --truth.")
    path = csv or find_newest_answer(folder.submissions)
    return ScoreResult(submission=path, **vars(score_answer(path, solution, tables.manifest)))
