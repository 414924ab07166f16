"""The kind of label that the cells of a sample submission with one column request."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

import pandas as pd

from ...errors import BadData, MissingHint
from ..photo_ids import normalise_text
from ..sample_submission import SampleSubmission
from ..table_files.listing import list_table_files
from ..table_files.reading import read_table_file
from ..tag_cells import detect_separator, split_cell

_WHOLE = re.compile(r"[-+]?\d+(?:\.0*)?")
_SEVERAL_WORDS = " but several words"
# A larger table maps no classes.
_MAX_MAP_BYTES, _MAX_MAP_COLUMNS = 1 << 20, 6
_SPELLINGS: tuple[Callable[[str], str], ...] = (
    normalise_text,
    str.lower,
    str.upper,
    str.title,
    lambda name: name.replace(" ", "_"),
    lambda name: name.replace("_", " "),
    lambda name: name.lower().replace(" ", "_"),
    lambda name: name.lower().replace("_", " "),
)
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
    words, asked = (
        {word for text in texts for word in split_cell(text, detect_separator(texts))} for texts in (classes, cells)
    )
    if are_classes(cells, classes) or are_classes(asked, words):
        return True
    return len(classes) == 2 and are_probabilities(cells)


def require_classes(sample: SampleSubmission, cells: Collection[str], classes: Collection[str]) -> None:
    """Raise ``MissingHint`` if a cell of the sample is not a class."""
    if are_classes(cells, classes):
        return
    strange = min(cell for cell in cells if not are_classes({cell}, classes))
    reason = _explain_cell(strange, classes)
    what = (
        f"The column {sample.columns[0]!r} of {sample.path} contains {strange[:60]!r}, which is not one of the classes "
        f"({', '.join(sorted(classes)[:5])}){reason}"
    )
    if reason.startswith(_SEVERAL_WORDS):
        raise BadData(f"{what}: only competitions with one class or with tags for each photo are supported.")
    placeholder = "" if reason else ", or declare a placeholder with --placeholder TEXT"
    raise MissingHint(f"{what}: name the column of labels with --label-column COLUMN{placeholder}.")


def spell_like_sample(
    cells: Collection[str], classes: Sequence[str], root: Path
) -> tuple[tuple[str, ...], Path | None]:
    """Return the spelling of each class in the sample's cells; empty if it is the same, or none is found.

    A table or JSON file below ``root`` may map classes to other names, such as numbers. It is the second result.
    """
    if not cells or are_classes(cells, classes):
        return (), None
    for respell in _SPELLINGS:
        texts = tuple(map(respell, classes))
        if set(cells) <= set(texts) and len(set(texts)) == len(texts):
            return texts, None
    for path in list_table_files(root):
        if path.stat().st_size <= _MAX_MAP_BYTES and (texts := _read_spellings(path, cells, classes)):
            return texts, path
    return (), None


def _read_spellings(path: Path, cells: Collection[str], classes: Sequence[str]) -> tuple[str, ...]:
    """Return the other name of each class in a table that maps classes one to one; else an empty tuple."""
    try:
        table = read_table_file(path)
    except BadData:  # a file that is not needed may be anything
        return ()
    if not 2 <= table.shape[1] <= _MAX_MAP_COLUMNS or len(table) < len(classes):
        return ()
    for names, others in itertools.permutations(range(table.shape[1]), 2):
        spelled = dict(zip(table.iloc[:, names], table.iloc[:, others], strict=True))
        texts = tuple(spelled.get(name, "") for name in classes)
        if all(texts) and len(set(texts)) == len(texts) and set(cells) <= set(texts):
            return texts
    return ()


def _explain_cell(strange: str, classes: Collection[str]) -> str:
    """Name the kinds of competitions that have such cells."""
    if len(strange.split()) > 1 and not any(len(name.split()) > 1 for name in classes):
        return f"{_SEVERAL_WORDS}, as in rankings (MAP@5), boxes and sentences"
    if are_whole_numbers(classes) and not pd.isna(pd.to_numeric(strange, errors="coerce")):
        return " but a fractional number, as in regressions"
    return ""
