"""Scores as cells of a table."""

from __future__ import annotations

from collections.abc import Sequence

from ...figures import format_number, format_score
from .scores import Scores

# Metrics with a column of their own in every table.
_ALWAYS = ("log loss", "accuracy")
# What a reader must know of scores after corrections.
CORRECTED_NOTE = (
    "corrected scores leave out excluded photos and use new labels. They flatter if corrections follow predictions, as "
    "those of check/doubts.csv do. The other scores are by the original labels of all photos, as a leaderboard would "
    "judge."
)


def build_score_columns(lines: Sequence[Scores]) -> tuple[list[str], list[list[str]]]:
    """Return the names of the metrics to show, the competition's first, and the cells of each line."""
    metric = lines[0].metric
    # The column-wise log loss of several labels equals their log loss and is shown once.
    same = all(figures.score == figures.log_loss for figures in lines)
    metrics = list(_ALWAYS) if same or metric in _ALWAYS else [metric, *_ALWAYS]
    return metrics, [[_format_cell(figures, metric) for metric in metrics] for figures in lines]


def build_corrected_columns(lines: Sequence[Scores | None]) -> tuple[list[str], list[list[str]]]:
    """Return the columns of scores after corrections, and the cells of each line. Without any, there is no column."""
    found = [figures for figures in lines if figures is not None]
    if not found:
        return [], [[] for _ in lines]
    metrics = list(dict.fromkeys([found[0].metric, "log loss"]))
    blank = [""] * len(metrics)
    cells = [blank if each is None else [_format_cell(each, metric) for metric in metrics] for each in lines]
    return [f"{metric} corrected" for metric in metrics], cells


def _format_cell(figures: Scores, metric: str) -> str:
    if metric == figures.metric:
        return format_score(figures.score, figures.standard_error)
    if metric == "accuracy":
        return format_number(figures.accuracy)
    if figures.score == figures.log_loss:
        return format_score(figures.log_loss, figures.log_loss_error)
    return format_number(figures.log_loss)
