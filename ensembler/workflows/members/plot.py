"""Picture of members: scores against costs, and learning curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...competition.metrics.metrics import METRICS
from ...members.records import MemberRecord
from ...paths import CompetitionFolder
from ...progress import Progress
from ..plots import compute_interval, save_plot
from .listed_member import ListedMember

if TYPE_CHECKING:
    from ...charts.chart import Chart


@dataclass(frozen=True)
class _Measure:
    """What members are compared by: the competition's metric, or log loss where it is not known of all."""

    name: str
    larger_is_better: bool = False
    is_log_loss: bool = False

    @classmethod
    def choose(cls, members: Sequence[ListedMember]) -> _Measure:
        metric = members[0].metric
        if metric and all(one.metric == metric and one.score is not None for one in members):
            return cls(metric, METRICS[metric].larger_is_better)
        return cls("log loss", is_log_loss=True)

    def find_score(self, member: ListedMember) -> tuple[float, float | None]:
        """Return the score of a member and its standard error, None if unknown."""
        if not self.is_log_loss:
            return member.score or 0.0, member.standard_error
        return member.log_loss or 0.0, member.standard_error if member.metric == "log loss" else None


def save_members_plot(
    folder: CompetitionFolder, members: Sequence[ListedMember], path: Path, progress: Progress
) -> None:
    """Write scores against costs, scores with intervals, and learning curves of members into one picture.

    Raises
    ------
    StorageError
        If writing fails.
    """
    scored = [one for one in members if one.log_loss is not None]
    if not scored:
        progress.warn(f"{path} was not written, because no member is trained yet.")
        return
    measure = _Measure.choose(scored)
    charts = [*_build_costs(scored, measure), _build_scores(scored, measure), _build_curves(folder, scored)]
    save_plot(charts, path, f"{folder.name}: members", progress)


def _build_costs(members: Sequence[ListedMember], measure: _Measure) -> list[Chart]:
    from ...charts.costs import CostPoint, build_cost_chart

    costs: dict[str, list[tuple[ListedMember, float | None]]] = {
        "milliseconds per photo": [(one, one.speed.milliseconds_per_photo if one.speed else None) for one in members],
        # A fitted head has no epochs, so nothing is missing there.
        "seconds per epoch": [(one, one.seconds_per_epoch) for one in members if one.seconds_per_epoch],
        "MB of weights": [(one, one.speed.megabytes if one.speed else None) for one in members],
    }
    return [
        build_cost_chart(
            [CostPoint(one.name, *measure.find_score(one), cost or None, one.is_finished) for one, cost in values],
            score_label=f"{measure.name}, out of fold",
            cost_label=label,
            larger_is_better=measure.larger_is_better,
            title=f"Score against {label}",
        )
        for label, values in costs.items()
        if any(cost for _, cost in values)
    ]


def _build_scores(members: Sequence[ListedMember], measure: _Measure) -> Chart:
    from ...charts.scores import ScoreRow, build_score_chart

    scores = [(one.name, *measure.find_score(one)) for one in members]
    return build_score_chart(
        [ScoreRow(name, score, *compute_interval(score, error)) for name, score, error in scores],
        score_label=f"{measure.name}, out of fold",
        larger_is_better=measure.larger_is_better,
        title="Scores with 95 % intervals" if any(error is not None for *_, error in scores) else "Scores",
    )


def _build_curves(folder: CompetitionFolder, members: Sequence[ListedMember]) -> Chart:
    from ...charts.learning_curves import build_learning_curve_chart
    from ...reports.histories import make_member_curves, read_curves

    best = sorted(members, key=lambda one: math.inf if one.log_loss is None else one.log_loss)
    found = [(one.name, read_curves(folder, MemberRecord.load(folder, one.name))) for one in best]
    curves = [make_member_curves(name, read) for name, read in found if read]
    return build_learning_curve_chart(
        curves, title=f"Learning curves of {curves[0].name}" if len(curves) == 1 else "Learning curves"
    )
