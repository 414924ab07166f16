"""Cells of several labels, whatever separates them."""

from __future__ import annotations

import ast
from collections.abc import Iterable

import pandas as pd

# Separators in the manifest's notation. A list is written as in Python or JSON: ['haze', 'road'].
BLANK, LIST = " ", "list"
# Separators other than blanks, in the order in which they are tried. Commas may also be part of names.
_MARKS = ("|", ";", ",")


def detect_separator(cells: Iterable[str]) -> str:
    """Return the separator of the tags in ``cells``; a blank if none is seen."""
    given = [cell for cell in cells if cell]
    if given and all(cell.startswith("[") and cell.endswith("]") for cell in given):
        return LIST
    for mark in _MARKS:
        several = [cell for cell in given if mark in cell]
        if several:
            return f"{mark} " if all(f"{mark} " in cell for cell in several) else mark
    return BLANK


def split_cell(cell: str, separator: str) -> list[str]:
    """Return the distinct tags of a cell, in its order."""
    if separator == LIST:
        parts = _parse_list(cell)
    elif separator == BLANK:
        parts = cell.split()
    else:
        parts = cell.split(separator.strip())
    return list(dict.fromkeys(part for raw in parts if (part := raw.strip())))


def split_cells(cells: pd.Series, separator: str) -> pd.Series:
    """Return the tags of each cell. Each distinct cell is parsed once."""
    known = {cell: split_cell(cell, separator) for cell in cells.unique()}
    return cells.map(known)


def join_tags(tags: Iterable[str], separator: str) -> str:
    """Return tags as the text of one cell."""
    return str(list(tags)) if separator == LIST else separator.join(tags)


def _parse_list(cell: str) -> list[str]:
    try:
        parsed = ast.literal_eval(cell) if cell else []
    except (SyntaxError, ValueError):  # words without quotes: [haze, road]
        return [part.strip().strip("'\"") for part in cell.strip("[]").split(",")]
    return [str(part) for part in parsed] if isinstance(parsed, list | tuple) else [str(parsed)]
