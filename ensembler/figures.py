"""Formatting of scores, standard errors and parameter counts."""

from __future__ import annotations

import math


def format_number(number: float | None, digits: int = 4) -> str:
    """Format a number. None becomes an empty string."""
    return "" if number is None else f"{number:.{digits}f}"


def format_signed(number: float) -> str:
    """Format a difference with its sign. NaN becomes an empty string."""
    return "" if math.isnan(number) else f"{number:+.4f}"


def format_score(score: float | None, error: float | None, digits: int = 4) -> str:
    """Format a score and its standard error, such as ``0.0400 ± 0.0020``. Unknown values are left out."""
    if score is None or error is None or math.isnan(error):
        return format_number(score, digits)
    return f"{score:.{digits}f} \N{PLUS-MINUS SIGN} {error:.{digits}f}"


def format_parameters(parameters: int) -> str:
    """Format a number of parameters in millions, such as ``2.26 M``. Numbers below 100,000 are written in full."""
    return f"{parameters / 1e6:.2f} M" if parameters >= 100_000 else f"{parameters:,}"
