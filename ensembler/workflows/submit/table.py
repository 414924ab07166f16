"""Submissions as a table and as a CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from ...figures import format_number, format_score
from ...submission.ledger.rows import FIELD_NAMES, Row
from ...tables import Table

_COLUMNS = ("when (UTC)", "file", "stack", "metric", "own ± error", "public", "private", "gap", "status", "message")
_NUMBER_COLUMNS = {"own ± error", "public", "private", "gap"}


def build_submission_table(rows: Sequence[Row], *, show_competition: bool = False) -> Table:
    """Return the table of submissions. ``show_competition`` adds a column with its name."""
    columns = ("competition", *_COLUMNS) if show_competition else _COLUMNS
    cells = [_format_cells(row, show_competition=show_competition) for row in rows]
    return Table(columns, cells, [column for column in columns if column not in _NUMBER_COLUMNS])


def format_csv(rows: Sequence[Row]) -> str:
    """Return rows as a CSV of RFC 4180. Names of members are separated by spaces."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, FIELD_NAMES)
    writer.writeheader()
    for row in rows:
        writer.writerow(row.to_json() | {"members": " ".join(member.name for member in row.members)})
    return text.getvalue()


def _format_cells(row: Row, *, show_competition: bool) -> tuple[str, ...]:
    gap = "" if row.gap is None else f"{row.gap:+.4f}"
    if row.gap_in_errors is not None:
        gap += f" ({row.gap_in_errors:.1f} se)"
    cells = (
        row.when.strftime("%Y-%m-%d %H:%M") if row.when else "",
        row.file_name,
        row.stack,
        row.metric,
        format_score(row.own, row.own_error),
        # Kaggle shows five decimals.
        format_number(row.public, 5),
        format_number(row.private, 5),
        gap,
        row.status.lower() or "not submitted",
        row.reason or row.description,
    )
    return tuple(_replace_unprintable(cell) for cell in ((row.competition, *cells) if show_competition else cells))


def _replace_unprintable(text: str) -> str:
    """Replace control characters, because descriptions by team members could control the terminal."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
