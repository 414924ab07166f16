"""Picture of members: scores against costs, and learning curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...members.records import MemberRecord
from ...paths import CompetitionFolder
from ...progress import Progress
from ..plots import compute_interval, save_plot
from .listed_member import ListedMember

if TYPE_CHECKING:
    from ...charts.chart import Chart


def save_members_plot(
    folder: CompetitionFolder, members: Sequence[ListedMember], path: Path, progress: Progress
) -> None:
    """Write scores against costs, scores with intervals, and learning curves of members into one picture.

    Raises
    ------
    StorageError
        If writing fails.
    """
    from ...charts.costs import CostPoint, build_cost_chart

    scored = [one for one in members if one.log_loss is not None]
    if not scored:
        progress.warn(f"{path} was not written, because no member is trained yet.")
        return
    costs = {
        "milliseconds per photo": [one.speed.milliseconds_per_photo if one.speed else None for one in scored],
        "seconds per epoch": [one.seconds_per_epoch for one in scored],
        "MB of weights": [one.speed.megabytes if one.speed else None for one in scored],
    }
    charts = [
        build_cost_chart(
            [
                CostPoint(one.name, one.log_loss or 0.0, _find_log_loss_error(one), cost or None, one.is_finished)
                for one, cost in zip(scored, values, strict=True)
            ],
            score_label="log loss, out of fold",
            cost_label=label,
            title=f"Log loss against {label}",
        )
        for label, values in costs.items()
        if any(values)
    ]
    charts += [_build_member_scores(scored), _build_curves(folder, scored)]
    save_plot(charts, path, f"{folder.name}: members", progress)


def _find_log_loss_error(member: ListedMember) -> float | None:
    return member.standard_error if member.metric == "log loss" else None


def _build_member_scores(members: Sequence[ListedMember]) -> Chart:
    from ...charts.scores import ScoreRow, build_score_chart

    rows = [
        ScoreRow(one.name, one.log_loss, *compute_interval(one.log_loss, _find_log_loss_error(one))) for one in members
    ]
    return build_score_chart(rows, score_label="log loss, out of fold", title="Log loss with 95 % intervals")


def _build_curves(folder: CompetitionFolder, members: Sequence[ListedMember]) -> Chart:
    from ...charts.learning_curves import FoldCurve, MemberCurves, build_learning_curve_chart
    from ...reports.charts_shown import number_phases
    from ...reports.histories import read_curves

    best = sorted(members, key=lambda one: one.log_loss or math.inf)
    curves = []
    for member in best:
        folds = [
            FoldCurve(
                curve.fold,
                range(1, len(curve.phases) + 1),
                curve.training,
                curve.validation if any(value is not None for value in curve.validation) else curve.held_out,
                number_phases(curve.phases),
            )
            for curve in read_curves(folder, MemberRecord.load(folder, member.name))
        ]
        curves.append(MemberCurves(member.name, folds))
    return build_learning_curve_chart(curves)
