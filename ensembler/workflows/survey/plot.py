"""Picture of a survey: log losses of backbones against their costs."""

from __future__ import annotations

from pathlib import Path

from ...progress import Progress
from ..plots import save_plot
from .result import SurveyResult


def save_survey_plot(title: str, survey: SurveyResult, path: Path, progress: Progress) -> None:
    """Write log losses of backbones against time and against size into one picture.

    Raises
    ------
    StorageError
        If writing fails.
    """
    from ...charts.costs import CostPoint, build_cost_chart

    costs = {
        "milliseconds per photo, batch size 1": [one.speed.milliseconds_per_photo for one in survey.candidates],
        "MB of weights": [one.speed.megabytes for one in survey.candidates],
    }
    charts = [
        build_cost_chart(
            [
                CostPoint(
                    one.name, one.scores.log_loss, one.scores.log_loss_error, cost or None, one.photos == survey.photos
                )
                for one, cost in zip(survey.candidates, values, strict=True)
            ],
            score_label="log loss, out of fold",
            cost_label=label,
            title=f"Log loss against {label.partition(',')[0]}",
        )
        for label, values in costs.items()
    ]
    save_plot(charts, path, title, progress)
