"""Pictures of results as PNG, SVG or PDF. They load matplotlib only if one is asked for."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..competition.metrics.scores import Scores
from ..errors import BadChoice
from ..paths import PathLike
from ..progress import Progress

if TYPE_CHECKING:
    from ..charts.chart import Chart
    from .results import StackResult

# Reach of a 95 % interval in standard errors.
_REACH = 1.96


def read_plot_path(plot: PathLike | None) -> Path | None:
    """Return the path of the picture that a call writes, or None if it writes none.

    Raises
    ------
    BadChoice
        If its suffix is not .png, .svg or .pdf, or its folder cannot be written, because the work before the picture
        may take hours.
    """
    if plot is None:
        return None
    from ..charts.output import check_suffix

    path = check_suffix(Path(plot))
    nearest = next(parent for parent in path.absolute().parents if parent.exists())
    if path.is_dir() or not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise BadChoice(f"A picture cannot be written to {path}: give a file in a folder that you may write to.")
    return path


def compute_interval(score: float | None, error: float | None) -> tuple[float | None, float | None]:
    """Compute the ends of the 95 % interval of a score with a standard error. None if one is unknown."""
    if score is None or error is None:
        return None, None
    return score - _REACH * error, score + _REACH * error


def save_stack_plot(stack: StackResult, path: Path, progress: Progress) -> None:
    """Write scores, what each member adds, correlations and reliability of a stack into one picture.

    Raises
    ------
    StorageError
        If writing fails.
    """
    from ..charts.correlations import build_correlation_chart
    from ..charts.reliability import ReliabilityCurve, build_reliability_chart
    from ..charts.scores import Contribution, build_contribution_chart

    evaluation, names = stack.evaluation, [member.name for member in stack.members]
    contributions = [
        Contribution(name, loss.value, *loss.interval)
        for name, loss in zip(names, evaluation.losses_without, strict=False)
    ]
    charts = [
        _build_stack_scores(stack),
        build_contribution_chart(contributions, score_label=stack.metric),
        build_correlation_chart(names, evaluation.correlations),
        build_reliability_chart(
            [
                ReliabilityCurve.read("before calibration", evaluation.before_calibration),
                ReliabilityCurve.read("after calibration", evaluation.after_calibration),
            ]
        ),
    ]
    save_plot(charts, path, f"Stack {stack.name}", progress)


def _build_stack_scores(stack: StackResult) -> Chart:
    from ..charts.scores import ScoreRow, build_score_chart
    from ..competition.metrics.metrics import METRICS

    # The competition's metric may be undefined for these photos.
    by_metric = math.isfinite(stack.score)
    scored: list[tuple[str, Scores]] = [("mean of the members", stack.mean)]
    scored += [(member.name, member) for member in stack.members]
    rows = [
        ScoreRow(name, value, *compute_interval(value, error))
        for name, one in scored
        for value, error in [(one.score, one.standard_error) if by_metric else (one.log_loss, one.log_loss_error)]
    ]
    low, high = stack.evaluation.interval if by_metric else (None, None)
    rows.append(
        ScoreRow(f"stack ({stack.meta})", stack.score if by_metric else stack.log_loss, low, high, important=True)
    )
    return build_score_chart(
        rows,
        score_label=stack.metric if by_metric else "log loss",
        larger_is_better=by_metric and METRICS[stack.metric].larger_is_better,
        title="Scores with 95 % intervals",
    )


def save_plot(charts: Sequence[Chart], path: Path, title: str, progress: Progress) -> None:
    """Write charts into one picture.

    Raises
    ------
    StorageError
        If writing fails.
    """
    from ..charts.output import save_charts

    task = progress.start("draw charts", 1)
    try:
        save_charts(charts, path, title)
    finally:
        task.finish()
    progress.note(f"The charts are in {path}.")
