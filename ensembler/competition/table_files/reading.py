"""Reading of a table that the user gave, as text: CSV in any dialect, text, JSON, Parquet and Excel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ...errors import BadData
from ..photo_names import extract_suffix
from .dialects import WINDOWS, Dialect, detect_dialect
from .json_tables import read_json_table

TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")
# Read by pandas with a package that is not a dependency of this one.
_BINARY_SUFFIXES = {".parquet": "pyarrow", ".feather": "pyarrow", ".xlsx": "openpyxl", ".xls": "xlrd"}
TABLE_SUFFIXES = (*TEXT_SUFFIXES, *JSON_SUFFIXES, *_BINARY_SUFFIXES)
_ENDINGS = (*TABLE_SUFFIXES, ".gz")


def extract_table_suffix(name: str) -> str:
    """Return the suffix of a table in lower case, without that of its compression; empty for no table."""
    name = name.lower()
    if not name.endswith(_ENDINGS):
        return ""
    bare = name.removesuffix(".gz")
    suffix = extract_suffix(bare)
    return suffix if suffix in (TEXT_SUFFIXES if bare != name else TABLE_SUFFIXES) else ""


def read_table_file(path: Path, rows: int | None = None, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read a table that the user gave; each cell is text without blanks around it, and an empty cell is empty.

    A column that only counts the rows is left out. A table without a header has the columns ``column 1`` and so on.

    Parameters
    ----------
    rows
        Limit of the number of rows.
    columns
        Columns to read, which keep the order of the file.

    Raises
    ------
    BadData
        If the file is missing, empty or not a table, or a package to read it is not installed.
    """
    suffix = extract_table_suffix(path.name)
    if suffix in JSON_SUFFIXES:
        table = read_json_table(path)
    elif suffix in _BINARY_SUFFIXES:
        table = _read_binary(path, suffix)
    else:
        return _read_text(path, rows, columns)
    table = table if rows is None else table.head(rows)
    if columns is not None:
        if missing := [name for name in columns if name not in table]:
            raise BadData(f"{path} does not contain the column {missing[0]!r}: correct or replace it.")
        table = table[[name for name in table.columns if name in set(columns)]]
    return table


def read_columns(path: Path) -> list[str]:
    """Return the names of the columns. Errors are those of :func:`read_table_file`."""
    return [str(name) for name in read_table_file(path, rows=1).columns]


def describe_table_dialect(path: Path) -> str:
    """Return what is unusual about a text table as a phrase, else an empty string."""
    return detect_dialect(path).describe() if extract_table_suffix(path.name) in TEXT_SUFFIXES else ""


def find_separator(path: Path) -> str:
    """Return the character that separates the cells of a text table; a comma for blanks and other tables."""
    if extract_table_suffix(path.name) not in TEXT_SUFFIXES:
        return ","
    separator = detect_dialect(path).separator
    return separator if len(separator) == 1 else ","


def is_encoding_guessed(path: Path) -> bool:
    """Return whether a text table is not UTF-8 and its encoding is a guess."""
    return extract_table_suffix(path.name) in TEXT_SUFFIXES and detect_dialect(path).encoding == WINDOWS


def _read_text(path: Path, rows: int | None, columns: Sequence[str] | None) -> pd.DataFrame:
    try:
        table = _parse_text(path, detect_dialect(path), rows, columns)
    except (OSError, ValueError) as error:  # pandas' parser errors and Unicode errors are ValueErrors
        reason = " ".join(str(error).split())
        raise BadData(f"Cannot read {path} as a table ({reason}): correct or replace it.") from error
    # pandas silently takes the first column as the index when all rows have a cell too many.
    if not isinstance(table.index, pd.RangeIndex):
        raise BadData(f"The rows of {path} have more cells than its header: correct or replace it.")
    return table.apply(lambda column: column.str.strip()) if len(table) else table


def _parse_text(path: Path, dialect: Dialect, rows: int | None, columns: Sequence[str] | None) -> pd.DataFrame:
    names = [name or f"Unnamed: {place}" for place, name in enumerate(dialect.columns)]
    places = list(range(int(dialect.has_counter), len(names)))
    if columns is not None:
        if missing := [name for name in columns if name not in names]:
            raise ValueError(f"it does not contain the column {missing[0]!r}")
        places = [place for place in places if names[place] in set(columns)]
    given: Any = {"usecols": places} if columns is not None or dialect.has_counter else {}
    table: pd.DataFrame = pd.read_csv(
        path,
        dtype=str,
        keep_default_na=False,
        na_filter=False,
        encoding=dialect.encoding,
        sep=dialect.separator,
        skipinitialspace=True,
        header=0 if dialect.has_header else None,
        names=names if not dialect.has_header else None,
        nrows=rows,
        skiprows=dialect.skipped,
        **given,
    )
    return table.rename(columns=str.strip)


def _read_binary(path: Path, suffix: str) -> pd.DataFrame:
    readers: dict[str, Any] = {".parquet": pd.read_parquet, ".feather": pd.read_feather}
    try:
        table = readers.get(suffix, pd.read_excel)(path)
    except ImportError as error:
        package = _BINARY_SUFFIXES[suffix]
        raise BadData(
            f"{path} can only be read with the package {package}: install it with `pip install {package}`, or convert "
            "the file to CSV."
        ) from error
    except Exception as error:  # pandas passes on any error of the packages
        reason = " ".join(str(error).split())
        raise BadData(f"Cannot read {path} as a table ({reason}): convert it to CSV or replace it.") from error
    table.columns = table.columns.map(str)
    return pd.DataFrame({name: format_cells(table[name]) for name in table.columns})


def format_cells(column: pd.Series) -> pd.Series:
    """Return the cells of a column as text; whole numbers have no fraction, and missing ones are empty."""
    if pd.api.types.is_float_dtype(column) and (column.dropna() % 1 == 0).all():
        column = column.astype("Int64")
    return column.astype(object).where(column.notna(), "").map(str).str.strip().astype(str)
