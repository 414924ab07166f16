"""What Kaggle would refuse, or score badly without a word, found before a submission is spent on it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import BadData

TOLERANCE = 1e-4
# Room for the rounding of the sum itself, so that a row that is off by exactly the tolerance passes.
ROUNDING = 1e-9


def check_csv(csv: Path, sample: Path, *, probabilities: bool, rows_sum_to_one: bool) -> None:
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

    Raises
    ------
    BadData
        With all problems at once, or if one of the files cannot be read as a table.
    """
    found = problems(
        read_text_table(csv),
        read_text_table(sample),
        probabilities=probabilities,
        rows_sum_to_one=rows_sum_to_one,
    )
    if found:
        raise BadData(f"Mend {csv} before submitting it. {' '.join(found)}")


def read_text_table(path: Path) -> pd.DataFrame:
    """Read a CSV with every cell as it is written, so that id ``007`` stays ``007``.

    Raises
    ------
    BadData
        If it is not a table in UTF-8.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise BadData(f"Cannot read {path} as a table: {reason}; write it again.") from error
    # pandas takes the first column for an index, without a word, when all rows have a cell too many.
    if not isinstance(table.index, pd.RangeIndex):
        raise BadData(f"The rows of {path} have more cells than its header: write it again.")
    return table


def problems(table: pd.DataFrame, sample: pd.DataFrame, *, probabilities: bool, rows_sum_to_one: bool) -> list[str]:
    """Tell all that is wrong with a submission, a sentence each.

    Parameters
    ----------
    table : pandas.DataFrame
        The submission; every cell is text, as `read_text_table` gives it. The first column is the id.
    sample : pandas.DataFrame
        The competition's sample submission, read in the same way.
    probabilities : bool
        Whether all columns but the first hold probabilities; otherwise they hold labels.
    rows_sum_to_one : bool
        Whether the probabilities of a row must sum to 1, within 1e-4.

    Returns
    -------
    list of str
        Empty if nothing is wrong.
    """
    found = list(_columns(list(table.columns), list(sample.columns)))
    identity = sample.columns[0]
    if identity not in table:
        return found
    found += _identities(table[identity], sample[identity])
    cells = table.set_index(identity)[[name for name in sample.columns[1:] if name in table]]
    if not probabilities:
        return found + _told("empty", cells, _empty(cells))
    numbers = cells.apply(pd.to_numeric, errors="coerce")
    found += _numbers(cells, numbers)
    if rows_sum_to_one and cells.shape[1]:
        found += _sums(numbers)
    return found


def _columns(names: list[str], expected: list[str]) -> Iterator[str]:
    """Tell what is wrong with the header."""
    missing = [name for name in expected if name not in names]
    extra = [name for name in names if name not in expected]
    if missing:
        yield f"Columns are missing: {_listed(missing)}."
    if extra:
        yield f"Columns are not in the sample submission: {_listed(extra)}."
    if not missing and not extra and names != expected:
        yield f"The columns are in the wrong order: they must be {_listed(expected)}."


def _listed(names: list[str], most: int = 10) -> str:
    """Join names, but not hundreds of them."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more


def _identities(ids: pd.Series[str], expected: pd.Series[str]) -> list[str]:
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


def _of_ids(what: str, ids: pd.Series[str]) -> list[str]:
    """Count distinct ids and name the first."""
    if ids.empty:
        return []
    return [f"{_counted(ids.nunique(), 'id')} {what}, the first is {ids.iloc[0]!r}."]


def _counted(count: int, noun: str) -> str:
    """Say ``1 id is`` or ``2 ids are``."""
    return f"{count} {noun} is" if count == 1 else f"{count} {noun}s are"


def _order(ids: pd.Series[str], expected: pd.Series[str]) -> str:
    """Say where two columns with the same ids part."""
    pairs = enumerate(itertools.zip_longest(ids, expected, fillvalue=""), start=1)
    row, (got, wanted) = next((row, pair) for row, pair in pairs if len(set(pair)) == 2)
    return f"The ids are not in the sample submission's order: row {row} is {got!r} instead of {wanted!r}."


def _empty(cells: pd.DataFrame) -> pd.DataFrame:
    """Mark cells that say nothing; ``nan`` is what a missing number becomes in text."""
    empty: pd.DataFrame = cells.apply(lambda column: column.fillna("").str.strip().str.lower().isin(["", "nan"]))
    return empty


def _numbers(cells: pd.DataFrame, numbers: pd.DataFrame) -> list[str]:
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


def _told(what: str, cells: pd.DataFrame, wrong: pd.DataFrame) -> list[str]:
    """Count wrong cells and show the first."""
    places = np.argwhere(wrong.to_numpy(dtype=bool))
    if not len(places):
        return []
    row, column = places[0]
    first = f"the first is {cells.iat[row, column]!r} in column {cells.columns[column]!r}"
    what = what.replace("a number", "numbers") if len(places) > 1 else what
    return [f"{_counted(len(places), 'value')} {what}, {first} of id {cells.index[row]!r}."]


def _sums(numbers: pd.DataFrame) -> list[str]:
    """Tell which rows do not sum to 1; those with cells that are no numbers have been told of already."""
    sums = numbers.sum(axis="columns", skipna=False).dropna()
    wrong = sums[(sums - 1).abs() > TOLERANCE + ROUNDING]
    if wrong.empty:
        return []
    rows = "1 row does" if len(wrong) == 1 else f"{len(wrong)} rows do"
    return [f"{rows} not sum to 1, the first is id {wrong.index[0]!r} with {wrong.iloc[0]:.6g}."]
