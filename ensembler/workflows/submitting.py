"""Submit an answer to Kaggle, or score it here where the labels are known."""

from __future__ import annotations

from pathlib import Path

from ..errors import BadChoice
from ..progress import Progress
from ..storage import Workspace, file_digest
from ..submission.answer import check_answer, newest_answer, score_answer
from ..submission.kaggle_client import Kaggle, Score
from .competitions import HERE, SILENT, open_competition
from .results import Scored


def submit(
    csv: Path | None = None,
    *,
    message: str = "",
    competition: str | None = None,
    workspace: Workspace = HERE,
    progress: Progress = SILENT,
) -> Score:
    """Check a CSV against the sample submission, upload it, and wait for its public score.

    Parameters
    ----------
    csv
        The submission; None is the one written last.
    message
        Its description on Kaggle; the file's name and digest follow it.
    competition
        Its name; None is the one last brought in.

    Raises
    ------
    BadChoice
        If the competition is not on Kaggle.
    BadData
        If the CSV is not what the sample asks for; nothing is uploaded then.
    KaggleError
        If Kaggle or the network refuses.
    """
    folder, tables = open_competition(competition, workspace, progress)
    if folder.solution.is_file() or not tables.manifest.slug:
        raise BadChoice(f"{folder.name} is not on Kaggle: `ensembler score` scores it here where labels are known.")
    path = csv or newest_answer(workspace.submissions / folder.name)
    check_answer(path, tables.manifest, tables.photos)
    # The digest makes the description unique, so that an upload whose reply was lost can be found again.
    description = f"{message} [{path.stem} {file_digest(path)[:8]}]".strip()
    kaggle = Kaggle.connect()
    ref = kaggle.submit(tables.manifest.slug, path, description)
    return kaggle.wait_for_score(tables.manifest.slug, ref, progress)


def score(
    csv: Path | None = None,
    *,
    truth: Path | None = None,
    competition: str | None = None,
    workspace: Workspace = HERE,
    progress: Progress = SILENT,
) -> Scored:
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
        If the two CSVs have different ids.
    """
    folder, tables = open_competition(competition, workspace, progress)
    solution = truth or folder.solution
    if not solution.is_file():
        raise BadChoice(f"There are no labels in {solution}: name a CSV with columns id and label by --truth.")
    path = csv or newest_answer(workspace.submissions / folder.name)
    figures = score_answer(path, solution, tables.manifest)
    return Scored(path, figures["log_loss"], figures["accuracy"])
