"""Checks of a CSV, before the upload, for problems that Kaggle would refuse or silently score badly."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..competition.layout.sample_cells import are_classes
from ..competition.table_files.reading import is_encoding_guessed, read_table_file
from ..competition.tag_cells import split_cell
from ..errors import BadData, InvalidSubmission

SUM_TOLERANCE = 1e-4
# Allowance for the rounding of the sum, so that a difference of exactly the tolerance passes.
ROUNDING = 1e-9


class Problem(NamedTuple):
    """One kind of problem with its number of occurrences, and the first occurrence."""

    what: str
    first: str = ""

    def __str__(self) -> str:
        return f"{self.what}, the first is {self.first}." if self.first else f"{self.what}."


def check_csv(
    csv: Path,
    sample: Path,
    *,
    probabilities: bool,
    rows_sum_to_one: bool,
    labels: Collection[str] = (),
    separator: str = "",
    placeholder: str = "",
) -> None:
    """Check that Kaggle will accept a submission; see :func:`find_problems` for the parameters.

    Raises
    ------
    InvalidSubmission
        If there are problems; the error lists all of them.
    BadData
        If one of the files cannot be read as a table.
    """
    if csv.is_file() and is_encoding_guessed(csv):
        raise BadData(f"{csv} is not encoded in UTF-8: save it as UTF-8.")
    tables = read_table_file(csv), read_table_file(sample)
    found = find_problems(
        *tables,
        probabilities=probabilities,
        rows_sum_to_one=rows_sum_to_one,
        labels=labels,
        separator=separator,
        placeholder=placeholder,
    )
    if found:
        raise InvalidSubmission(f"Correct {csv} before submitting it", found)


def find_problems(
    table: pd.DataFrame,
    sample: pd.DataFrame,
    *,
    probabilities: bool,
    rows_sum_to_one: bool,
    labels: Collection[str] = (),
    separator: str = "",
    placeholder: str = "",
) -> list[Problem]:
    """Return all problems of a submission.

    Parameters
    ----------
    table, sample : pandas.DataFrame
        Submission and sample submission. Every cell is text, as :func:`.read_table_file` returns it. The first column
        contains the ids.
    probabilities : bool
        Whether the columns after the first contain probabilities rather than labels.
    rows_sum_to_one : bool
        Whether the probabilities of a row must sum to 1, within 1e-4.
    labels : collection of str
        Labels that a cell may contain. Empty allows any.
    separator : str
        Separator of several labels in a cell. Empty if each cell is one label.
    placeholder : str
        Cell of the sample submission that is no label.
    """
    found: list[Problem] = list(_check_columns(list(table.columns), list(sample.columns)))
    identity = sample.columns[0]
    if identity not in table:
        return found
    found += _check_ids(table[identity], sample[identity])
    cells = table.set_index(identity)[[name for name in sample.columns[1:] if name in table]]
    if not probabilities:
        return [
            *found,
            *_check_sample_cells(sample, labels, separator, placeholder),
            *_check_labels(cells, labels, separator),
        ]
    numbers = cells.apply(pd.to_numeric, errors="coerce")
    found += _check_probabilities(cells, numbers)
    if rows_sum_to_one and cells.shape[1]:
        found += _check_sums(numbers)
    return found


def _check_columns(names: list[str], expected: list[str]) -> Iterator[Problem]:
    """Yield problems of the header."""
    missing = [name for name in expected if name not in names]
    extra = [name for name in names if name not in expected]
    if missing:
        yield Problem(f"Columns are missing: {_format_names(missing)}")
    if extra:
        yield Problem(f"Columns are not in the sample submission: {_format_names(extra)}")
    if not missing and not extra and names != expected:
        yield Problem(f"The columns are in the wrong order: they must be {_format_names(expected)}")


def _format_names(names: list[str], limit: int = 10) -> str:
    """Join up to ``limit`` names."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(map(repr, names[:limit])) + more


def _check_ids(ids: pd.Series[str], expected: pd.Series[str]) -> list[Problem]:
    """Find problems of the first column."""
    ids, expected = ids.fillna(""), expected.fillna("")
    if ids.tolist() == expected.tolist():
        return []
    found = [
        *_describe_ids("missing", expected[~expected.isin(ids)]),
        *_describe_ids("not in the sample submission", ids[~ids.isin(expected)]),
        *_describe_ids("repeated", ids[ids.duplicated() & ~ids.isin(expected[expected.duplicated()])]),
    ]
    return found or [_describe_order(ids, expected)]


def _describe_ids(what: str, ids: pd.Series[str]) -> list[Problem]:
    """Count distinct ids and name the first."""
    if ids.empty:
        return []
    return [Problem(f"{_format_count(ids.nunique(), 'id')} {what}", repr(ids.iloc[0]))]


def _format_count(count: int, noun: str) -> str:
    """Return ``1 id is`` or ``2 ids are``."""
    return f"{count} {noun} is" if count == 1 else f"{count} {noun}s are"


def _describe_order(ids: pd.Series[str], expected: pd.Series[str]) -> Problem:
    """Describe the first difference between two columns with the same ids."""
    pairs = enumerate(itertools.zip_longest(ids, expected, fillvalue=""), start=1)
    row, (got, wanted) = next((row, pair) for row, pair in pairs if len(set(pair)) == 2)
    return Problem(f"The ids are not in the sample submission's order: row {row} is {got!r} instead of {wanted!r}")


def _find_empty_cells(cells: pd.DataFrame) -> pd.DataFrame:
    """Mark empty cells. ``nan`` is the text of a missing number."""
    empty: pd.DataFrame = cells.apply(lambda column: column.fillna("").str.strip().str.lower().isin(["", "nan"]))
    return empty


def _check_sample_cells(
    sample: pd.DataFrame, labels: Collection[str], separator: str, placeholder: str
) -> Iterator[Problem]:
    """Yield the problem that the sample submission could not hold the labels, because its own cells are others."""
    if sample.shape[1] != 2 or not labels:
        return
    cells = set(sample.iloc[:, 1].str.strip()) - {"", placeholder}
    words = {word for cell in cells for word in (split_cell(cell, separator) if separator else [cell])}
    if not are_classes(words, labels):
        strange = min(word for word in words if not are_classes({word}, labels))
        yield Problem(
            f"The sample submission contains {strange!r}, but the labels are {_format_names(sorted(labels), 5)}"
        )


def _check_labels(cells: pd.DataFrame, labels: Collection[str], separator: str) -> list[Problem]:
    """Find problems of the labels."""
    empty = _find_empty_cells(cells)
    if not labels:
        return _describe_cells("empty", cells, empty)
    known = frozenset(labels)
    is_known: pd.DataFrame = cells.apply(
        lambda column: column.map(
            lambda cell: cell in known or (bool(separator) and known.issuperset(split_cell(cell, separator)))
        )
    )
    return [
        *_describe_cells("empty", cells, empty),
        *_describe_cells("not a label of the competition", cells, ~is_known & ~empty),
    ]


def _check_probabilities(cells: pd.DataFrame, numbers: pd.DataFrame) -> list[Problem]:
    """Find problems of the probabilities."""
    is_unreadable = numbers.isna()
    # Text is slow to examine, so only columns with an unreadable number are.
    suspects = cells.loc[:, is_unreadable.any()]
    empty = _find_empty_cells(suspects)
    return [
        *_describe_cells("empty", suspects, empty),
        *_describe_cells("not a number", suspects, is_unreadable[suspects.columns] & ~empty),
        *_describe_cells("outside of 0 to 1", cells, (numbers < 0) | (numbers > 1)),
    ]


def _describe_cells(what: str, cells: pd.DataFrame, wrong: pd.DataFrame) -> list[Problem]:
    """Count wrong cells and show the first."""
    places = np.argwhere(wrong.to_numpy(dtype=bool))
    if not len(places):
        return []
    row, column = places[0]
    first = f"{cells.iat[row, column]!r} in column {cells.columns[column]!r} of id {cells.index[row]!r}"
    what = what.replace("a number", "numbers").replace("a label", "labels") if len(places) > 1 else what
    return [Problem(f"{_format_count(len(places), 'value')} {what}", first)]


def _check_sums(numbers: pd.DataFrame) -> list[Problem]:
    """Find rows that do not sum to 1, except rows with cells that are not numbers."""
    sums = numbers.sum(axis="columns", skipna=False).dropna()
    wrong = sums[(sums - 1).abs() > SUM_TOLERANCE + ROUNDING]
    if wrong.empty:
        return []
    rows = "1 row does" if len(wrong) == 1 else f"{len(wrong)} rows do"
    return [Problem(f"{rows} not sum to 1", f"id {wrong.index[0]!r} with {wrong.iloc[0]:.6g}")]
