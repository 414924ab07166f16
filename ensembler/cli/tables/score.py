"""Scores as text: the table of members and stack for people, fields of JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence

from ...competition.metrics.scores import Scores
from ...figures import format_number, format_score
from ...workflows.results import MemberResult, ScoreResult

# Those that have a column of their own whatever the metric is.
_ALWAYS = ("log loss", "accuracy")


def build_score_table(members: Sequence[MemberResult]) -> tuple[list[str], list[list[str]]]:
    """Return columns and rows of the table of members."""
    columns, cells = build_score_columns(members)
    rows = []
    for member, scores in zip(members, cells, strict=True):
        folds = " ".join(f"{loss:.3f}" for loss in member.fold_log_losses)
        rows.append([member.name, *scores[:-1], folds, scores[-1], f"{member.seconds:.0f}"])
    return ["member", *columns[:-1], "per fold", columns[-1], "seconds"], rows


def build_score_columns(lines: Sequence[Scores]) -> tuple[list[str], list[list[str]]]:
    """Name the metrics to show, the competition's first, with its standard error, and write each line's scores."""
    metric = lines[0].metric
    # The column-wise log loss of several labels is their log loss, and is shown once.
    same = all(figures.score == figures.log_loss for figures in lines)
    metrics = list(_ALWAYS) if same or metric in _ALWAYS else [metric, *_ALWAYS]
    return metrics, [[_format_cell(figures, metric) for metric in metrics] for figures in lines]


def _format_cell(figures: Scores, metric: str) -> str:
    if metric == figures.metric:
        return format_score(figures.score, figures.standard_error)
    if metric == "accuracy":
        return format_number(figures.accuracy)
    if figures.score == figures.log_loss:
        return format_score(figures.log_loss, figures.log_loss_error)
    return format_number(figures.log_loss)


def describe_score(scored: ScoreResult) -> str:
    """Tell a submission's scores in a line: the competition's metric, log loss where there is one, accuracy."""
    parts = [f"{scored.metric} {format_score(scored.score, scored.standard_error)}"]
    if scored.log_loss is not None and scored.score != scored.log_loss:
        parts.append(f"log loss {scored.log_loss:.4f}")
    if scored.metric != "accuracy":
        parts.append(f"accuracy {scored.accuracy:.4f}")
    return ", ".join(parts)
