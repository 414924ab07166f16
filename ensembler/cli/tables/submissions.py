"""The list of submissions as text: a table for people, a CSV for programs."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Sequence

from ...submission.ledger.rows import FIELD_NAMES, Row

_COLUMNS = ("when (UTC)", "file", "stack", "metric", "own ± error", "public", "private", "gap", "status", "message")
_NUMBER_COLUMNS = {"own ± error", "public", "private", "gap"}
# A message is never cut shorter than this, however narrow the terminal.
_MIN_MESSAGE_WIDTH = 12
_SEPARATOR = "  "


def format_table(rows: Sequence[Row], *, width: int | None = None, every: bool = False) -> list[str]:
    """Lay rows out in columns.

    Parameters
    ----------
    rows
        What :func:`ensembler.submissions` returns.
    width
        Of the terminal; messages are shortened to fit it. None shows them whole.
    every
        Begin with the competition's name.

    Returns
    -------
    list of str
        A line for the columns' names, and one for each row.
    """
    columns = ("competition", *_COLUMNS) if every else _COLUMNS
    table = [columns, *(_format_cells(row, every=every) for row in rows)]
    widths = [max(map(_measure_width, cells)) for cells in zip(*table, strict=True)]
    if width is not None:
        rest = width - sum(widths[:-1]) - len(_SEPARATOR) * (len(columns) - 1)
        widths[-1] = min(widths[-1], max(rest, _MIN_MESSAGE_WIDTH))
    return [
        _SEPARATOR.join(
            _pad_cell(cell, size, right=name in _NUMBER_COLUMNS)
            for name, cell, size in zip(columns, line, widths, strict=True)
        ).rstrip()
        for line in table
    ]


def format_csv(rows: Sequence[Row]) -> str:
    """Write rows as a CSV of RFC 4180; members are joined by blanks."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, FIELD_NAMES)
    writer.writeheader()
    for row in rows:
        writer.writerow(row.to_json() | {"members": " ".join(member.name for member in row.members)})
    return text.getvalue()


def _format_cells(row: Row, *, every: bool) -> tuple[str, ...]:
    cells = (
        row.when.strftime("%Y-%m-%d %H:%M") if row.when else "",
        row.file_name,
        row.stack,
        row.metric,
        _format_own_score(row),
        # As many digits as Kaggle shows.
        _format_number(row.public, 5),
        _format_number(row.private, 5),
        _format_gap(row),
        row.status.lower() or "not submitted",
        row.reason or row.description,
    )
    return tuple(_replace_unprintable(cell) for cell in ((row.competition, *cells) if every else cells))


def _format_number(number: float | None, digits: int = 4) -> str:
    return "" if number is None else f"{number:.{digits}f}"


def _format_own_score(row: Row) -> str:
    if row.own is None or row.own_error is None:
        return _format_number(row.own)
    return f"{row.own:.4f} ± {row.own_error:.4f}"


def _format_gap(row: Row) -> str:
    if row.gap is None:
        return ""
    return f"{row.gap:+.4f}" + (f" ({row.gap_in_errors:.1f} se)" if row.gap_in_errors is not None else "")


def _replace_unprintable(text: str) -> str:
    """Leave out what would move the cursor or colour the terminal: anybody in a team writes descriptions."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _pad_cell(text: str, size: int, *, right: bool) -> str:
    if _measure_width(text) > size:
        while _measure_width(text) > size - 1:
            text = text[:-1]
        text += "…"
    blanks = " " * (size - _measure_width(text))
    return blanks + text if right else text + blanks


def _measure_width(text: str) -> int:
    """Cells that a text takes in a terminal: two for a wide letter, none for an accent of its own."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )
