"""Kinds of values that options take: each is called with what a person gave and returns it, checked and typed."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, Literal, get_args

from ..errors import BadChoice

Reader = Callable[[object], Any]
Limit = tuple[Literal["at least", "above", "below", "at most"], float]

_COMPARISONS = {"at least": operator.ge, "above": operator.gt, "below": operator.lt, "at most": operator.le}


class InvalidValue(ValueError):
    """A value does not fit; the text goes on after the option's name, as ``must be at least 1``."""


def read_value(label: str, reader: Reader, value: object) -> Any:
    """Read a value, and name what it is of if it does not fit.

    Raises
    ------
    BadChoice
        If it does not.
    """
    try:
        return reader(value)
    except InvalidValue as unfit:
        raise BadChoice(f"{label} {unfit}. Received: {value}") from unfit


class Number:
    """A number within limits; it may be given as it is typed on the command line.

    Parameters
    ----------
    kind
        ``int`` or ``float``; whole numbers are floats too.
    limits
        Such as ``("at least", 0), ("below", 1)``.
    """

    def __init__(self, kind: type[int] | type[float], *limits: Limit) -> None:
        self.kind = kind
        self.limits = limits

    def __call__(self, value: object) -> int | float:
        """Return the number that ``value`` is.

        Raises
        ------
        InvalidValue
            If it is none, or out of range.
        """
        number = self._parse_number(value)
        if not all(_COMPARISONS[word](number, limit) for word, limit in self.limits):
            raise InvalidValue("must be " + " and ".join(f"{word} {limit:.10g}" for word, limit in self.limits))
        return number

    def _parse_number(self, value: object) -> int | float:
        whole = self.kind is int
        accepted_types = (int, str) if whole else (int, float, str)
        if isinstance(value, accepted_types) and not isinstance(value, bool):
            try:
                number = self.kind(value)
            except (ValueError, OverflowError):
                number = math.nan
            if math.isfinite(number):
                return number
        raise InvalidValue("must be a whole number" if whole else "must be a number")


def make_choice_reader(literal: Any) -> Reader:
    """Make the reader of a ``Literal`` of words."""
    words = get_args(literal)

    def read(value: object) -> str:
        for word in words:
            if value == word:
                return str(word)
        raise InvalidValue(f"takes {', '.join(words[:-1])} or {words[-1]}")

    return read


def check_text(value: object) -> str:
    """Return a word or path.

    Raises
    ------
    InvalidValue
        If there is none.
    """
    if not isinstance(value, str) or not value.strip():
        raise InvalidValue("must be some text")
    return value


def check_flag(value: object) -> bool:
    """Return yes or no.

    Raises
    ------
    InvalidValue
        If it is neither.
    """
    if not isinstance(value, bool):
        raise InvalidValue("must be true or false")
    return value
