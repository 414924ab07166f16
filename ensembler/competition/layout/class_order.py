"""The order of classes where no sample submission gives one."""

from __future__ import annotations

from collections.abc import Iterable

from .sample_cells import are_whole_numbers


def sort_classes(classes: Iterable[str]) -> tuple[str, ...]:
    """Sort classes by number if all are whole numbers, else by name."""
    names = sorted(map(str, classes))
    return tuple(sorted(names, key=float) if are_whole_numbers(names) else names)
