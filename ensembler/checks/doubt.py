"""A doubt about one photo, and what could be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Suggestion = Literal["", "exclude", "relabel"]


@dataclass(frozen=True)
class Doubt:
    """A doubt about one photo.

    Attributes
    ----------
    kind
        Kind of the doubt, such as ``likely wrong label``.
    set
        ``train`` or ``test``.
    id, path
        The photo in the competition's tables. The path is relative to the competition's folder of photos.
    label
        Label in ``train.csv``. Empty for a photo to predict.
    suggestion, new_label
        Suggested change of the training data, and the label that the photo has after ``relabel``, which is known for
        a likely wrong label also if ``exclude`` is suggested.
    score
        Seriousness of the doubt among those of its kind. Larger is worse.
    reason
        Sentence that tells what was found, with figures.
    """

    kind: str
    set: str
    id: str
    path: str
    label: str
    suggestion: Suggestion
    new_label: str
    score: float
    reason: str
