"""Runs all stages on embedded data: the handwritten digits of scikit-learn as a competition."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ..competition import digits
from ..competition.csv_tables import write_table
from ..competition.layout.hints import Hints
from ..keras_backend import find_backend
from ..options.arguments import check_arguments
from ..paths import DEFAULT_WORKSPACE, Workspace, WorkspaceLike
from ..progress import SILENT, Progress
from .fetch.fetch import fetch
from .results import ScoreResult, StackResult
from .stack import stack
from .submit.score import score
from .train.train import train_members

MEMBERS = ("demo-dense", "demo-conv", "demo-separable")
HINTS = Hints(metric="log loss")
FOLDS = 5
EPOCHS = 10
BATCH_SIZE = 64


@check_arguments
def demo(
    *, workspace: WorkspaceLike = DEFAULT_WORKSPACE, progress: Progress = SILENT
) -> tuple[StackResult, ScoreResult]:
    """Fetch the digits, train three small networks from scratch, stack them, and score the CSV on hidden labels.

    Returns
    -------
    tuple
        The stack, and the score of its CSV on labels that no other step reads.

    Examples
    --------
    >>> stacked, scored = ensembler.demo()
    >>> len(stacked.members), scored.accuracy > 0.9
    (3, True)
    """
    # Before anything is written.
    find_backend()
    workspace = Workspace.read(workspace)
    folder = workspace.competition(digits.NAME)
    if folder.solution.is_file() and folder.extracted.is_dir():
        fetch(digits.NAME, workspace=workspace, progress=progress)
    else:
        with tempfile.TemporaryDirectory() as temporary:
            archive = Path(temporary) / f"{digits.NAME}.zip"
            hidden = digits.write_digits(archive)
            fetch(digits.NAME, archive=archive, hints=HINTS, force=True, workspace=workspace, progress=progress)
        write_table(folder.solution, hidden)
    train_members(
        MEMBERS,
        competition=digits.NAME,
        folds=FOLDS,
        weights="none",
        unfreeze="all",
        epochs=EPOCHS,
        batch_size=BATCH_SIZE,
        workspace=workspace,
        progress=progress,
    )
    stacked = stack(MEMBERS, competition=digits.NAME, workspace=workspace, progress=progress)
    scored = score(stacked.submission, competition=digits.NAME, workspace=workspace, progress=progress)
    return stacked, scored
