"""Errors of Keras in one line."""

from __future__ import annotations


def extract_first_line(error: Exception) -> str:
    """Return the first line of an error's message, at most 200 characters, or the error's class if it has none."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
