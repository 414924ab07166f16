"""Formats numbers for people: scores with their standard errors, counts of parameters."""

from __future__ import annotations

import math


def format_number(number: float | None, digits: int = 4) -> str:
    """Format a number; an empty string for None."""
    return "" if number is None else f"{number:.{digits}f}"


def format_signed(number: float) -> str:
    """Format a difference with its sign; an empty string for NaN."""
    return "" if math.isnan(number) else f"{number:+.4f}"


def format_score(score: float | None, error: float | None, digits: int = 4) -> str:
    """Format ``0.0400 ± 0.0020``, without the error where there is none, and an empty string without a score."""
    if score is None or error is None or math.isnan(error):
        return format_number(score, digits)
    return f"{score:.{digits}f} \N{PLUS-MINUS SIGN} {error:.{digits}f}"


def format_parameters(parameters: int) -> str:
    """Format ``2.26 M``, and numbers below 100,000 in full."""
    return f"{parameters / 1e6:.2f} M" if parameters >= 100_000 else f"{parameters:,}"
