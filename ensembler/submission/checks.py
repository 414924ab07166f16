"""What Kaggle would refuse, or score badly without a word, found before a submission is spent on it."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..competition.csv_tables import read_table
from ..errors import BadAnswer

TOLERANCE = 1e-4
# Room for the rounding of the sum itself, so that a row that is off by exactly the tolerance passes.
ROUNDING = 1e-9


class Problem(NamedTuple):
    """One kind of problem: what is wrong and how often, and where that is seen first."""

    what: str
    first: str = ""

    def __str__(self) -> str:
        return f"{self.what}, the first is {self.first}." if self.first else f"{self.what}."


def check_csv(
    csv: Path, sample: Path, *, probabilities: bool, rows_sum_to_one: bool, labels: Collection[str] = ()
) -> None:
    """Make sure that Kaggle will take a submission.

    Parameters
    ----------
    csv : Path
        The file to submit.
    sample : Path
        The competition's sample submission.
    probabilities : bool
        Whether all columns but the first hold probabilities; otherwise they hold labels.
    rows_sum_to_one : bool
        Whether the probabilities of a row must sum to 1.
    labels : collection of str
        The words that a cell may be made of, blanks between them, where it holds no probability; any, if empty.

    Raises
    ------
    BadAnswer
        With all problems at once.
    BadData
        If one of the files cannot be read as a table.
    """
    found = problems(
        read_table(csv),
        read_table(sample),
        probabilities=probabilities,
        rows_sum_to_one=rows_sum_to_one,
        labels=labels,
    )
    if found:
        raise BadAnswer(f"Mend {csv} before submitting it", [(problem.what, problem.first) for problem in found])


def problems(
    table: pd.DataFrame,
    sample: pd.DataFrame,
    *,
    probabilities: bool,
    rows_sum_to_one: bool,
    labels: Collection[str] = (),
) -> list[Problem]:
    """Tell all that is wrong with a submission.

    Parameters
    ----------
    table : pandas.DataFrame
        The submission; every cell is text, as `read_table` gives it. The first column is the id.
    sample : pandas.DataFrame
        The competition's sample submission, read in the same way.
    probabilities : bool
        Whether all columns but the first hold probabilities; otherwise they hold labels.
    rows_sum_to_one : bool
        Whether the probabilities of a row must sum to 1, within 1e-4.
    labels : collection of str
        The words that a cell may be made of where it holds no probability; any, if empty.

    Returns
    -------
    list of Problem
        Empty if nothing is wrong.
    """
    found: list[Problem] = list(_columns(list(table.columns), list(sample.columns)))
    identity = sample.columns[0]
    if identity not in table:
        return found
    found += _identities(table[identity], sample[identity])
    cells = table.set_index(identity)[[name for name in sample.columns[1:] if name in table]]
    if not probabilities:
        return found + _words(cells, labels)
    numbers = cells.apply(pd.to_numeric, errors="coerce")
    found += _numbers(cells, numbers)
    if rows_sum_to_one and cells.shape[1]:
        found += _sums(numbers)
    return found


def _columns(names: list[str], expected: list[str]) -> Iterator[Problem]:
    """Tell what is wrong with the header."""
    missing = [name for name in expected if name not in names]
    extra = [name for name in names if name not in expected]
    if missing:
        yield Problem(f"Columns are missing: {_listed(missing)}")
    if extra:
        yield Problem(f"Columns are not in the sample submission: {_listed(extra)}")
    if not missing and not extra and names != expected:
        yield Problem(f"The columns are in the wrong order: they must be {_listed(expected)}")


def _listed(names: list[str], most: int = 10) -> str:
    """Join names, but not hundreds of them."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more


def _identities(ids: pd.Series[str], expected: pd.Series[str]) -> list[Problem]:
    """Tell what is wrong with the first column."""
    ids, expected = ids.fillna(""), expected.fillna("")
    if ids.tolist() == expected.tolist():
        return []
    found = [
        *_of_ids("missing", expected[~expected.isin(ids)]),
        *_of_ids("not in the sample submission", ids[~ids.isin(expected)]),
        *_of_ids("there more than once", ids[ids.duplicated() & ~ids.isin(expected[expected.duplicated()])]),
    ]
    return found or [_order(ids, expected)]


def _of_ids(what: str, ids: pd.Series[str]) -> list[Problem]:
    """Count distinct ids and name the first."""
    if ids.empty:
        return []
    return [Problem(f"{_counted(ids.nunique(), 'id')} {what}", repr(ids.iloc[0]))]


def _counted(count: int, noun: str) -> str:
    """Say ``1 id is`` or ``2 ids are``."""
    return f"{count} {noun} is" if count == 1 else f"{count} {noun}s are"


def _order(ids: pd.Series[str], expected: pd.Series[str]) -> Problem:
    """Say where two columns with the same ids part."""
    pairs = enumerate(itertools.zip_longest(ids, expected, fillvalue=""), start=1)
    row, (got, wanted) = next((row, pair) for row, pair in pairs if len(set(pair)) == 2)
    return Problem(f"The ids are not in the sample submission's order: row {row} is {got!r} instead of {wanted!r}")


def _empty(cells: pd.DataFrame) -> pd.DataFrame:
    """Mark cells that say nothing; ``nan`` is what a missing number becomes in text."""
    empty: pd.DataFrame = cells.apply(lambda column: column.fillna("").str.strip().str.lower().isin(["", "nan"]))
    return empty


def _words(cells: pd.DataFrame, labels: Collection[str]) -> list[Problem]:
    """Tell what is wrong with single labels."""
    empty = _empty(cells)
    if not labels:
        return _told("empty", cells, empty)
    known = frozenset(labels)
    fits: pd.DataFrame = cells.apply(
        lambda column: column.map(lambda cell: cell in known or known.issuperset(cell.split()))
    )
    return [*_told("empty", cells, empty), *_told("no label of the competition", cells, ~fits & ~empty)]


def _numbers(cells: pd.DataFrame, numbers: pd.DataFrame) -> list[Problem]:
    """Tell what is wrong with single probabilities."""
    unread = numbers.isna()
    # Looking at text is slow, so look at those few columns only where some number could not be read.
    suspects = cells.loc[:, unread.any()]
    empty = _empty(suspects)
    return [
        *_told("empty", suspects, empty),
        *_told("not a number", suspects, unread[suspects.columns] & ~empty),
        *_told("outside of 0 to 1", cells, (numbers < 0) | (numbers > 1)),
    ]


def _told(what: str, cells: pd.DataFrame, wrong: pd.DataFrame) -> list[Problem]:
    """Count wrong cells and show the first."""
    places = np.argwhere(wrong.to_numpy(dtype=bool))
    if not len(places):
        return []
    row, column = places[0]
    first = f"{cells.iat[row, column]!r} in column {cells.columns[column]!r} of id {cells.index[row]!r}"
    what = what.replace("a number", "numbers") if len(places) > 1 else what
    return [Problem(f"{_counted(len(places), 'value')} {what}", first)]


def _sums(numbers: pd.DataFrame) -> list[Problem]:
    """Tell which rows do not sum to 1; those with cells that are no numbers have been told of already."""
    sums = numbers.sum(axis="columns", skipna=False).dropna()
    wrong = sums[(sums - 1).abs() > TOLERANCE + ROUNDING]
    if wrong.empty:
        return []
    rows = "1 row does" if len(wrong) == 1 else f"{len(wrong)} rows do"
    return [Problem(f"{rows} not sum to 1", f"id {wrong.index[0]!r} with {wrong.iloc[0]:.6g}")]
