"""Markdown table of photos per second, with a row per backbone, precision and XLA, and columns for batch sizes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

# Result of one measurement: backbone, precision, xla, mode, batch, outcome, and rate if it was measured.
Line = dict[str, Any]

MODES = ("training", "prediction")
# Words for missing results.
WORDS = {"memory": "memory", "failed": "failed"}


def table(lines: Sequence[Line], batches: Sequence[int]) -> str:
    """Return results as a Markdown table, in which the fastest of each backbone and mode is bold.

    Rows have the order of their first measurement. Cells without measurement are empty.
    """
    modes = [mode for mode in MODES if any(line["mode"] == mode for line in lines)]
    columns = [(mode, batch) for mode in modes for batch in batches]
    heads = ["backbone", "precision", "XLA", *(f"{mode}, {batch} per step" for mode, batch in columns)]
    rows = [f"| {' | '.join(heads)} |", f"|---|---|---|{'---:|' * len(columns)}"]
    measured = {(*row_of(line), line["mode"], line["batch"]): line for line in lines}
    best = fastest(lines)
    for row in dict.fromkeys(map(row_of, lines)):
        cells = [cell(measured.get((*row, mode, batch)), best) for mode, batch in columns]
        backbone, precision, xla = row
        rows.append(f"| {' | '.join([backbone, precision, 'on' if xla else 'off', *cells])} |")
    return "\n".join(rows)


def row_of(line: Line) -> tuple[str, str, bool]:
    return line["backbone"], line["precision"], line["xla"]


def fastest(lines: Iterable[Line]) -> dict[tuple[str, str], float]:
    """Return the highest rate of each backbone and mode."""
    best: dict[tuple[str, str], float] = {}
    for line in lines:
        if line["outcome"] == "measured":
            key = (line["backbone"], line["mode"])
            best[key] = max(line["rate"], best.get(key, 0.0))
    return best


def cell(line: Line | None, best: dict[tuple[str, str], float]) -> str:
    if line is None:
        return ""
    if line["outcome"] != "measured":
        return WORDS[line["outcome"]]
    text = figure(line["rate"])
    return f"**{text}**" if line["rate"] == best[line["backbone"], line["mode"]] else text


def figure(rate: float) -> str:
    """Format photos per second with at least three digits, which is the accuracy of timings."""
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"
