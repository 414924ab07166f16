"""Tables of numbers and of words."""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence
from typing import Any

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

# A table that is wider than the terminal is wrapped by it; rich would cut off its cells.
_UNLIMITED_WIDTH = 10_000
# The last column is never cut shorter than this, however narrow the terminal.
_MIN_LAST_WIDTH = 12


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], *, text_columns: Collection[str] = (), to_error: bool = False
) -> None:
    """Print a table of numbers, aligned to the right after the first column; of words, if it goes to standard error.

    Parameters
    ----------
    text_columns
        Names of further columns that are of words.
    """
    table = _build_table(columns, rows, columns if to_error else text_columns)
    Console(highlight=False, soft_wrap=True, stderr=to_error, width=_UNLIMITED_WIDTH).print(table)


def format_table(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], *, text_columns: Collection[str], width: int | None
) -> list[str]:
    """Return a table as plain lines, the header first.

    Parameters
    ----------
    text_columns
        Names of columns of words, beside the first.
    width
        Width to shorten the last column to; None shows it whole.
    """
    console = Console(file=io.StringIO(), color_system=None, width=_UNLIMITED_WIDTH)
    table = _build_table(columns, rows, text_columns)
    if width is not None:
        others = _build_table(columns[:-1], [row[:-1] for row in rows], text_columns)
        used = Measurement.get(console, console.options, others).maximum + 2
        table.columns[-1].max_width = max(width - used, _MIN_LAST_WIDTH)
    with console.capture() as capture:
        console.print(table)
    return [line.rstrip() for line in capture.get().splitlines()]


def _build_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], text_columns: Collection[str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 or column in text_columns else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    return table
