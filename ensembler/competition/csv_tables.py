"""CSV tables as text: an id such as 007 keeps its zeros, and an empty cell is an empty string."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ..errors import BadData
from ..storage import write_text


def read_table(path: Path, rows: int | None = None, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read a UTF-8 CSV, with or without a byte order mark; each cell is text.

    ``rows`` limits the number of rows. ``columns`` selects columns, which keep the order of the file. A file that is
    missing, empty or not a CSV raises ``BadData``.
    """
    try:
        table = pd.read_csv(
            path,
            dtype=str,
            keep_default_na=False,
            na_filter=False,
            encoding="utf-8-sig",
            nrows=rows,
            usecols=None if columns is None else list(columns),
        )
    except (OSError, ValueError) as error:  # pandas' parser errors and Unicode errors are ValueErrors
        reason = " ".join(str(error).split())
        raise BadData(f"Cannot read {path} as a CSV with a header ({reason}): correct or replace it.") from error
    # pandas silently takes the first column as the index when all rows have a cell too many.
    if not isinstance(table.index, pd.RangeIndex):
        raise BadData(f"The rows of {path} have more cells than its header: correct or replace it.")
    return table


def read_header(path: Path) -> list[str]:
    """Return the names of a CSV's columns. Errors are those of :func:`read_table`."""
    return [str(name) for name in read_table(path, rows=0).columns]


def write_table(path: Path, table: pd.DataFrame, separator: str = ",") -> None:
    """Write ``table`` as a CSV with a header and without row numbers. The file is written whole or not at all."""
    write_text(path, format_table(table, separator))


def format_table(table: pd.DataFrame, separator: str = ",") -> str:
    """Return ``table`` as the text that :func:`write_table` writes."""
    return str(table.to_csv(index=False, lineterminator="\n", sep=separator))
