"""Tables of the page: columns and cells with their texts and the values that they are sorted by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..figures import format_parameters, format_score, format_signed

EMPTY = "\N{EN DASH}"
# Most characters of a name in a table or caption.
NAME_LENGTH = 34


@dataclass(frozen=True)
class Column:
    """A column. ``hint`` explains it. Columns of text are left-aligned."""

    name: str
    is_text: bool = False
    hint: str = ""


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes
    ----------
    text
        Text of the cell.
    value
        Value by which the column is sorted. None sorts last.
    title
        Full text of a shortened one. Empty if it is not shortened.
    mark
        ``best``, ``quiet``, ``warning`` or empty.
    """

    text: str
    value: float | str | None = None
    title: str = ""
    mark: str = ""


@dataclass(frozen=True)
class PageTable:
    """A table of the page, whose caption names it for screen readers."""

    key: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def is_long(self) -> bool:
        """Whether the table gets a filter and a height of its own."""
        return len(self.rows) > 12


def shorten(text: str, length: int = NAME_LENGTH) -> str:
    """Shorten a text by an ellipsis in its middle, because names often differ at their ends."""
    if len(text) <= length:
        return text
    head = (length - 1) * 2 // 3
    return f"{text[:head]}\N{HORIZONTAL ELLIPSIS}{text[len(text) - (length - 1 - head) :]}"


def name_cell(text: str, mark: str = "", length: int = NAME_LENGTH) -> Cell:
    """Return a cell of a name of at most ``length`` characters."""
    short = shorten(text, length)
    return Cell(short or EMPTY, text.casefold(), text if short != text else "", mark)


def number_cell(number: float | None, digits: int = 4, unit: str = "", mark: str = "") -> Cell:
    """Return a cell of a number with a fixed number of decimals."""
    if number is None or not math.isfinite(number):
        return Cell(EMPTY, None, mark="quiet")
    return Cell(f"{number:,.{digits}f}{unit}", number, mark=mark)


def count_cell(number: int | None) -> Cell:
    """Return a cell of a count."""
    return Cell(EMPTY, None, mark="quiet") if number is None else Cell(f"{number:,}", number)


def share_cell(share: float | None, digits: int = 1) -> Cell:
    """Return a cell of a share from 0 to 1 in percent."""
    if share is None or not math.isfinite(share):
        return Cell(EMPTY, None, mark="quiet")
    return Cell(f"{100 * share:.{digits}f} %", share)


def score_cell(score: float | None, error: float | None, mark: str = "") -> Cell:
    """Return a cell of a score and its standard error."""
    if score is None:
        return Cell(EMPTY, None, mark="quiet")
    return Cell(format_score(score, error), score, mark=mark)


def signed_cell(number: float | None, bounds: tuple[float, float] | None = None) -> Cell:
    """Return a cell of a difference. One whose interval contains 0 is quiet."""
    if number is None or not math.isfinite(number):
        return Cell(EMPTY, None, mark="quiet")
    within = bounds is not None and bounds[0] <= 0 <= bounds[1]
    return Cell(format_signed(number), number, mark="quiet" if within else "")


def significant_cell(number: float | None, digits: int = 3) -> Cell:
    """Return a cell of a positive number with significant digits."""
    if number is None or not math.isfinite(number):
        return Cell(EMPTY, None, mark="quiet")
    return Cell(format_significant(number, digits), number)


def format_significant(number: float, digits: int = 3) -> str:
    """Format a number with significant digits and without an exponent, such as ``12.3`` or ``1,230``."""
    if not number:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(number))))
    return f"{number:,.{decimals}f}"


def parameters_cell(parameters: int | None) -> Cell:
    """Return a cell of a number of parameters."""
    return Cell(EMPTY, None, mark="quiet") if parameters is None else Cell(format_parameters(parameters), parameters)


def interval_cell(bounds: tuple[float, float] | None) -> Cell:
    """Return a cell of an interval, which is sorted by its lower end."""
    if bounds is None:
        return Cell(EMPTY, None, mark="quiet")
    return Cell(f"{bounds[0]:.4f} to {bounds[1]:.4f}", bounds[0])


def find_best(values: Sequence[float | None], *, larger: bool = False) -> float | None:
    """Return the best of several values, or None if fewer than two are known."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    return None if len(known) < 2 else max(known) if larger else min(known)
