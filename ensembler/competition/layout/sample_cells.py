"""What the cells of a sample submission, of one column to fill in, show about the labels that it asks for."""

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
    """Whether all texts are whole numbers, be it with a zero after the point."""
    return all(_WHOLE.fullmatch(text) for text in texts)


def sort_classes(classes: Iterable[str]) -> tuple[str, ...]:
    """Sort classes by number if all are whole numbers, else by name."""
    names = sorted(map(str, classes))
    return tuple(sorted(names, key=float) if are_whole_numbers(names) else names)


def are_probabilities(cells: Collection[str]) -> bool:
    """Whether all cells are numbers from 0 to 1."""
    return bool(pd.to_numeric(pd.Series(list(cells), dtype=str), errors="coerce").between(0, 1).all())


def are_classes(cells: Collection[str], classes: Collection[str]) -> bool:
    """Whether all cells are classes; a number will do for a default where classes are whole numbers."""
    return set(cells) <= set(classes) or (are_whole_numbers(classes) and are_whole_numbers(cells))


def may_ask_for(cells: Collection[str], values: pd.Series) -> bool:
    """Whether a column of values may be the label that cells such as these ask for."""
    given = values[values != ""]
    classes = set(given)
    if len(classes) < 2 or len(classes) == len(given):
        return False
    # A column of tags is asked for by some of them.
    words = {word for value in classes for word in value.split()}
    if are_classes(cells, classes) or are_classes({word for cell in cells for word in cell.split()}, words):
        return True
    return len(classes) == 2 and are_probabilities(cells)


def require_classes(sample: SampleSubmission, cells: Collection[str], classes: Collection[str]) -> None:
    """Make sure that what a sample shows for an answer is made of classes."""
    if are_classes(cells, classes):
        return
    strange = min(cell for cell in cells if not are_classes({cell}, classes))
    raise MissingHint(
        f"What is the label, if {sample.path} has cells like {strange[:60]!r} in its column {sample.columns[0]!r}, "
        f"which is none of the classes found ({', '.join(sorted(classes)[:5])}){_explain_cell(strange, classes)}? "
        f"Answer with --label-column COLUMN; {METRIC_HINT}."
    )


def _explain_cell(strange: str, classes: Collection[str]) -> str:
    """Tell what competitions of other kinds have such cells."""
    if len(strange.split()) > 1 and not any(len(name.split()) > 1 for name in classes):
        return " but several words, as rankings (MAP@5), boxes and sentences have"
    if are_whole_numbers(classes) and not pd.isna(pd.to_numeric(strange, errors="coerce")):
        return " but a fractional number, as regressions have"
    return ""
