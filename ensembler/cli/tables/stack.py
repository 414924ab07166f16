"""A stack as text: what it scores beside its members and other meta-learners, and how much of that is sure."""

from __future__ import annotations

import numpy as np

from ...competition.metrics.intervals import Difference
from ...competition.metrics.scores import Scores
from ...figures import format_signed
from ...workflows.results import StackResult
from .score import build_score_columns


def build_stack_table(result: StackResult) -> tuple[list[str], list[list[str]]]:
    """Return columns and rows: members, other meta-learners, and last the stack.

    "without it" is how much worse the stack is without a member, "errors alike" the mean correlation of its errors
    with the other members'.
    """
    evaluation = result.evaluation
    several = len(result.members) > 1
    lines: list[tuple[str, Scores, str, str]] = []
    for number, member in enumerate(result.members):
        without = format_signed(evaluation.losses_without[number].value) if evaluation.losses_without else ""
        others = np.delete(evaluation.correlations[number], number)
        lines.append((member.name, member, without, f"{others.mean():.2f}" if several else ""))
    lines += [(f"  {name}", figures, "", "") for name, figures in evaluation.meta_learner_figures.items()]
    lines.append((f"stack ({result.meta})", result, "", ""))
    columns, cells = build_score_columns([figures for _, figures, _, _ in lines])
    extra = ["without it", "errors alike"] if several else []
    rows = [
        [name, *scores, *([without, alike] if several else [])]
        for (name, _, without, alike), scores in zip(lines, cells, strict=True)
    ]
    return ["member", *columns, *extra], rows


def describe_stack(result: StackResult) -> list[str]:
    """Say in sentences how sure the score is, and what was chosen."""
    evaluation = result.evaluation
    lines = [
        f"{result.metric} {result.score:.4f}, 95 % interval {evaluation.interval.low:.4f} to "
        f"{evaluation.interval.high:.4f}, by "
        "nested folds: no row was predicted by what was fitted or chosen on it",
        _describe_gain(result),
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
        f"{evaluation.before_calibration.calibration_error:.4f} before, "
        f"{evaluation.after_calibration.calibration_error:.4f} after"
    )
    if evaluation.meta_learner_rows and evaluation.meta_learner_rows < sum(
        part.count for part in evaluation.after_calibration.bins
    ):
        lines.append(f"Meta-learners were compared on {evaluation.meta_learner_rows} photos.")
    return lines


def _describe_gain(result: StackResult) -> str:
    gain = result.evaluation.gain
    if len(result.members) == 1 and result.members[0].name == result.best:
        return (
            f"one member, calibrated: better than uncalibrated by {format_signed(gain.value)} "
            f"({_format_interval(gain)})"
        )
    if gain.is_within_noise:
        return (
            f"the gain over the best member, {result.best}, lies within noise: {format_signed(gain.value)} "
            f"({_format_interval(gain)})"
        )
    word = "better" if gain.value > 0 else "worse"
    return (
        f"{word} than the best member, {result.best}, beyond noise: by {abs(gain.value):.4f} ({_format_interval(gain)})"
    )


def _format_interval(difference: Difference) -> str:
    return f"95 %: {format_signed(difference.interval.low)} to {format_signed(difference.interval.high)}"
