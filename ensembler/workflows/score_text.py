"""Scores as text: the table of members and stack for people, fields of JSON for programs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..competition.metrics.figures import Figures
from ..submission.answer import AnswerScore
from .results import MemberResult, Scored, StackResult

# Those that have a column of their own whatever the metric is.
_ALWAYS = ("log loss", "accuracy")


def score_fields(figures: Figures | AnswerScore, prefix: str = "") -> dict[str, Any]:
    """Return the scores as JSON has them: null where there is no number.

    ``score`` is by the competition's ``metric``.
    """
    names = ("metric", "score", "standard_error", "log_loss", "log_loss_error", "accuracy")
    return {prefix + name: _or_none(getattr(figures, name)) for name in names}


def _or_none(value: str | float | None) -> str | float | None:
    return None if isinstance(value, float) and math.isnan(value) else value


def score_table(members: Sequence[MemberResult], stack: StackResult | None = None) -> tuple[list[str], list[list[str]]]:
    """Lay members out in rows, and below them their plain mean and the stack.

    Returns
    -------
    tuple
        The columns' names, the competition's metric before log loss, and the rows. The metric has its standard error.
    """
    lines: list[tuple[str, Figures, str, str]] = [
        (member.name, member, " ".join(f"{loss:.3f}" for loss in member.fold_log_losses), f"{member.seconds:.0f}")
        for member in members
    ]
    if stack:
        lines += [("plain mean", stack.mean, "", ""), ("stack (nested folds)", stack, "", "")]
    metrics = _metrics([figures for _, figures, _, _ in lines])
    columns = ["member", *metrics[:-1], "per fold", metrics[-1], "seconds"]
    rows = []
    for name, figures, folds, seconds in lines:
        cells = [_cell(figures, metric) for metric in metrics]
        rows.append([name, *cells[:-1], folds, cells[-1], seconds])
    return columns, rows


def _metrics(lines: Sequence[Figures]) -> list[str]:
    """Name the metrics to show, each once: the column-wise log loss of several labels is their log loss."""
    metric = lines[0].metric
    same = all(figures.score == figures.log_loss for figures in lines)
    return list(_ALWAYS) if same or metric in _ALWAYS else [metric, *_ALWAYS]


def _cell(figures: Figures, metric: str) -> str:
    if metric == figures.metric:
        return _with_error(figures.score, figures.standard_error)
    if metric == "accuracy":
        return f"{figures.accuracy:.4f}"
    if figures.score == figures.log_loss:
        return _with_error(figures.log_loss, figures.log_loss_error)
    return f"{figures.log_loss:.4f}"


def _with_error(score: float, error: float) -> str:
    return f"{score:.4f}" if math.isnan(error) else f"{score:.4f} ± {error:.4f}"


def scored_words(scored: Scored) -> str:
    """Tell a submission's scores in a line: the competition's metric, log loss where there is one, accuracy."""
    told = [f"{scored.metric} {_with_error(scored.score, scored.standard_error)}"]
    if scored.log_loss is not None and scored.score != scored.log_loss:
        told.append(f"log loss {scored.log_loss:.4f}")
    if scored.metric != "accuracy":
        told.append(f"accuracy {scored.accuracy:.4f}")
    return ", ".join(told)
