"""The kind of label that the cells of a sample submission with one column request."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

import pandas as pd

from ...errors import MissingHint
from ..sample_submission import SampleSubmission
from .not_classification import METRIC_HINT

_WHOLE = re.compile(r"[-+]?\d+(?:\.0*)?")
FLAGS = frozenset({"0", "1", "0.0", "1.0"})


def are_whole_numbers(texts: Collection[str]) -> bool:
    """Return whether all texts are whole numbers, such as ``3`` and ``3.0``."""
    return all(_WHOLE.fullmatch(text) for text in texts)


def sort_classes(classes: Iterable[str]) -> tuple[str, ...]:
    """Sort classes by number if all are whole numbers, else by name."""
    names = sorted(map(str, classes))
    return tuple(sorted(names, key=float) if are_whole_numbers(names) else names)


def are_probabilities(cells: Collection[str]) -> bool:
    """Return whether all cells are numbers from 0 to 1."""
    return bool(pd.to_numeric(pd.Series(list(cells), dtype=str), errors="coerce").between(0, 1).all())


def are_classes(cells: Collection[str], classes: Collection[str]) -> bool:
    """Return whether all cells are classes; if classes are whole numbers, any whole number may be a default."""
    return set(cells) <= set(classes) or (are_whole_numbers(classes) and are_whole_numbers(cells))


def may_ask_for(cells: Collection[str], values: pd.Series) -> bool:
    """Return whether a column of values may be the label that the cells request."""
    given = values[values != ""]
    classes = set(given)
    if len(classes) < 2 or len(classes) == len(given):
        return False
    # A cell of tags contains some of the words of the column.
    words = {word for value in classes for word in value.split()}
    if are_classes(cells, classes) or are_classes({word for cell in cells for word in cell.split()}, words):
        return True
    return len(classes) == 2 and are_probabilities(cells)


def require_classes(sample: SampleSubmission, cells: Collection[str], classes: Collection[str]) -> None:
    """Raise ``MissingHint`` if a cell of the sample is not a class."""
    if are_classes(cells, classes):
        return
    strange = min(cell for cell in cells if not are_classes({cell}, classes))
    raise MissingHint(
        f"The column {sample.columns[0]!r} of {sample.path} contains {strange[:60]!r}, which is not one of the classes "
        f"({', '.join(sorted(classes)[:5])}){_explain_cell(strange, classes)}: name the column of labels with "
        f"--label-column COLUMN; {METRIC_HINT}."
    )


def _explain_cell(strange: str, classes: Collection[str]) -> str:
    """Name the kinds of competitions that have such cells."""
    if len(strange.split()) > 1 and not any(len(name.split()) > 1 for name in classes):
        return " but several words, as in rankings (MAP@5), boxes and sentences"
    if are_whole_numbers(classes) and not pd.isna(pd.to_numeric(strange, errors="coerce")):
        return " but a fractional number, as in regressions"
    return ""
