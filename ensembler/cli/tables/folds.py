"""The folds as text: a table for people, fields of JSON for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ...errors import format_count
from ...workflows.folds import FoldsResult

# Classes that have a column of their own; of more, only the one that is spread worst is told.
MAX_CLASS_COLUMNS = 8


def build_fold_fields(result: FoldsResult) -> dict[str, Any]:
    """Return what JSON can hold."""
    return {**asdict(result), "file": str(result.file)}


def build_fold_table(result: FoldsResult) -> tuple[list[str], list[list[str]]]:
    """Lay the splits out in rows, and below them all photos.

    Returns
    -------
    tuple
        The columns' names and the rows: the folder that members keep a split in, its repeat if there are several,
        held-out photos, groups and near-duplicates among them, and the share of each class.
    """
    several = result.repeats > 1
    classes = list(result.shares)
    named = classes if len(classes) <= MAX_CLASS_COLUMNS else []
    columns = ["fold", *(["repeat"] if several else []), "held out", "groups", "near-duplicates"]
    columns += [f"{name} %" for name in named] or ["spread worst by"]
    rows = []
    for split in result.splits:
        counts = [f"{split.photos}", f"{split.groups}", f"{split.twins}"]
        worst = max(abs(split.shares[name] - result.shares[name]) for name in classes)
        shares = [_format_percent(split.shares[name]) for name in named] or [f"{100 * worst:.1f} points"]
        rows.append([f"fold-{split.split}", *([str(split.repeat + 1)] if several else []), *counts, *shares])
    overall = [_format_percent(result.shares[name]) for name in named] or [""]
    rows.append(["all photos", *([""] if several else []), f"{result.photos}", "", "", *overall])
    return columns, rows


def describe_folds(result: FoldsResult) -> list[str]:
    """Tell what the table does not."""
    lines = [
        f"{format_count(range(result.folds), 'fold')}, {format_count(range(result.repeats), 'repeat')}: {result.file}"
    ]
    if result.folds == 1:
        lines[0] = f"one held-out fifth, {format_count(range(result.repeats), 'repeat')}: {result.file}"
        lines.append(f"{result.scored} of {result.photos} photos are scored; the others are only learned from")
    if copies := result.duplicates.describe():
        lines.append(copies)
    if result.useless:
        lines.append(f"of no use any more: {result.useless.describe()}; train them again with --restart")
    return lines


def _format_percent(share: float) -> str:
    return f"{100 * share:.1f}"
