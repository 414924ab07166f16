"""Tables of figures and of words."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

# A table that is wider than the terminal is wrapped by it; rich would cut off its cells.
_UNLIMITED_WIDTH = 10_000


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], *, text_columns: Collection[str] = (), to_error: bool = False
) -> None:
    """Print a table of figures, aligned to the right after the first column; of words, if it goes to standard error.

    Parameters
    ----------
    text_columns
        Names of further columns that are of words.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        table.add_column(
            column, justify="left" if number == 0 or column in text_columns or to_error else "right", no_wrap=True
        )
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    Console(highlight=False, soft_wrap=True, stderr=to_error, width=_UNLIMITED_WIDTH).print(table)
