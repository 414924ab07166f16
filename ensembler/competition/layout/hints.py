"""Properties of a competition that the user sets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Hints:
    """Properties of a competition that the user sets; None detects them.

    Examples
    --------
    >>> hints = ensembler.Hints(positive="dogs", metric="accuracy")
    >>> ensembler.adopt(Path("photos"), "pets-by-accuracy", hints=hints).metric
    'accuracy'
    """

    positive: str | None = None
    labels: str | None = None
    image_column: str | None = None
    label_column: str | None = None
    group_column: str | None = None
    sample: str | None = None
    placeholder: str | None = None
    incomplete_labels: bool = False
    incomplete_photos: bool = False
    conflicting_labels: bool = False
    groups: str | None = None
    metric: str | None = None
    like: str | None = None
    leave_out: tuple[str, ...] = ()
    task: str | None = None


NO_HINTS = Hints()
# Sources of labels that are no table, as values of ``labels``.
NOT_TABLES = ("names", "folders")
