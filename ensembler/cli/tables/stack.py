"""A stack as text: what it scores beside its members and other meta-learners, and how much of that is sure."""

from __future__ import annotations

import math

import numpy as np

from ...competition.metrics.figures import Figures
from ...competition.metrics.intervals import Difference
from ...workflows.results import StackResult
from .score import score_columns

# Correlations of errors are printed member by member for so many, else as each one's mean.
_FEW = 2


def stack_table(result: StackResult) -> tuple[list[str], list[list[str]]]:
    """Lay members out in rows, below them other meta-learners, and last the stack.

    Returns
    -------
    tuple
        The columns' names and the rows. "without it" is how much worse the stack is without a member, "errors alike"
        the mean correlation of its errors with the other members'.
    """
    told = result.evaluation
    several = len(result.members) > 1
    lines: list[tuple[str, Figures, str, str]] = []
    for number, member in enumerate(result.members):
        without = _signed(told.losses_without[number].value) if told.losses_without else ""
        others = np.delete(told.correlations[number], number)
        lines.append((member.name, member, without, f"{others.mean():.2f}" if several else ""))
    lines += [(f"  {name}", figures, "", "") for name, figures in told.rivals.items()]
    lines.append((f"stack ({result.meta})", result, "", ""))
    columns, cells = score_columns([figures for _, figures, _, _ in lines])
    extra = ["without it", "errors alike"] if several else []
    rows = [
        [name, *scores, *([without, alike] if several else [])]
        for (name, _, without, alike), scores in zip(lines, cells, strict=True)
    ]
    return ["member", *columns, *extra], rows


def stack_lines(result: StackResult) -> list[str]:
    """Say in sentences how sure the score is, and what was chosen."""
    told = result.evaluation
    lines = [
        f"{result.metric} {result.score:.4f}, 95 % interval {told.interval.low:.4f} to {told.interval.high:.4f}, by "
        "nested folds: no row was predicted by what was fitted or chosen on it",
        _gain_line(result),
    ]
    if result.refit:
        lines.append(
            "an estimate: these are scores of the folds' networks; those in the stack learned from all photos, so no "
            "labelled photo is left to score them on"
        )
    if result.asked != result.meta:
        lines.append(f"{result.meta} is the simplest meta-learner within one standard error of the best")
    if result.left_out:
        lines.append(f"left out       {', '.join(result.left_out)}")
    lines.append(
        f"calibration    temperature {result.temperature:.2f}, clipped at {result.clip:g}; calibration error "
        f"{told.before.calibration_error:.4f} before, {told.after.calibration_error:.4f} after"
    )
    if told.rival_rows and told.rival_rows < sum(part.count for part in told.after.bins):
        lines.append(f"Meta-learners were compared on {told.rival_rows} photos.")
    return lines


def _gain_line(result: StackResult) -> str:
    gain = result.evaluation.gain
    if len(result.members) == 1 and result.members[0].name == result.best:
        return f"one member, calibrated: better than uncalibrated by {_signed(gain.value)} ({_between(gain)})"
    if gain.within_noise:
        return (
            f"the gain over the best member, {result.best}, lies within noise: {_signed(gain.value)} ({_between(gain)})"
        )
    word = "better" if gain.value > 0 else "worse"
    return f"{word} than the best member, {result.best}, beyond noise: by {abs(gain.value):.4f} ({_between(gain)})"


def _between(difference: Difference) -> str:
    return f"95 %: {_signed(difference.interval.low)} to {_signed(difference.interval.high)}"


def _signed(value: float) -> str:
    return "" if math.isnan(value) else f"{value:+.4f}"
