"""The charts of the page as SVG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from ..progress import Progress
from .facts import AnswerFacts, DataFacts, ReportFacts
from .filters import make_visible
from .histories import make_member_curves
from .member_facts import MemberFacts, MembersFacts
from .outcome_facts import QualityFacts

if TYPE_CHECKING:
    # Matplotlib loads slowly, and a page without charts does not need it.
    from ..charts.chart import Chart

# Most members with a chart of their learning curves.
CURVED_MEMBERS = 6
# Most scores in their chart.
MOST_SCORES = 40
# Inches of a chart, of whose 310 points a phone of 390 pixels shows each as about one pixel.
WIDTH = 4.3


@dataclass(frozen=True, kw_only=True)
class Charts:
    """SVG of each chart, empty where there is nothing to draw. Learning curves have the name of their member."""

    style: str = ""
    scores: str = ""
    public: str = ""
    cost: str = ""
    size: str = ""
    parts: str = ""
    correlations: str = ""
    curves: tuple[tuple[str, str], ...] = ()
    reliability: str = ""
    confusion: str = ""
    classes: str = ""
    roc: str = ""
    precision_recall: str = ""
    counts: str = ""
    sizes: str = ""


def draw_charts(facts: ReportFacts, progress: Progress) -> Charts:
    """Draw the charts of a report."""
    from ..charts.output import format_chart_css

    planned = {name: build for name, build in _plan_charts(facts).items() if build}
    curved = choose_curved_members(facts.members)
    svg: dict[str, Any] = {}
    curves = []
    task = progress.start("charts", len(planned) + len(curved))
    for name, build in planned.items():
        progress.raise_if_stopping("in charts")
        svg[name] = _format(build(), name.replace("_", ""))
        task.advance()
    for number, member in enumerate(curved):
        progress.raise_if_stopping("in charts")
        curves.append((member.name, _format(_build_curves(member), f"curves{number}")))
        task.advance()
    task.finish()
    return replace(Charts(style=format_chart_css(), curves=tuple(curves)), **svg)


def _format(chart: Chart, key: str) -> str:
    from ..charts.output import format_svg

    return make_visible(format_svg(chart.fit_width(WIDTH), key=key))


def choose_curved_members(facts: MembersFacts) -> list[MemberFacts]:
    """Return the members with the best log losses among those with learning curves."""
    curved = [member for member in facts.members if any(len(curve.phases) for curve in member.curves)]
    return sorted(curved, key=lambda member: (member.log_loss is None, member.log_loss or 0.0))[:CURVED_MEMBERS]


_Build = Callable[[], "Chart"]


def _plan_charts(facts: ReportFacts) -> dict[str, _Build | None]:
    """Return what builds each chart; None where there is nothing to draw."""
    answer, members, quality, data = facts.answer, facts.members, facts.quality, facts.data
    timed = [one for one in members.members if one.milliseconds_per_photo and one.log_loss is not None]
    sized = [one for one in members.members if one.megabytes and one.log_loss is not None]
    scored = any(one.own is not None or one.public is not None for one in answer.submissions if one.made)
    return {
        "scores": (lambda: _build_scores(answer, members)) if len(list_scores(answer, members)) > 1 else None,
        "public": (lambda: _build_submissions(answer)) if scored else None,
        "cost": (lambda: _build_cost(timed, answer, "milliseconds_per_photo", "milliseconds a photo"))
        if timed
        else None,
        "size": (lambda: _build_cost(sized, answer, "megabytes", "megabytes of weights")) if sized else None,
        "parts": (lambda: _build_parts(members, answer)) if len(members.correlated) > 1 else None,
        "correlations": (lambda: _build_correlations(members)) if len(members.correlated) > 1 else None,
        "reliability": (lambda: _build_reliability(quality)) if quality.before else None,
        "confusion": (lambda: _build_confusion(quality)) if quality.confusion or quality.pairs else None,
        "classes": (lambda: _build_classes(quality)) if len(quality.classes) > 2 else None,
        "roc": (lambda: _build_roc(quality)) if quality.curves else None,
        "precision_recall": (lambda: _build_precision_recall(quality)) if quality.curves else None,
        "counts": (lambda: _build_counts(data)) if len(data.classes) > 1 else None,
        "sizes": (lambda: _build_sizes(data)) if len(set(zip(data.widths, data.heights, strict=True))) > 1 else None,
    }


@dataclass(frozen=True)
class _Scored:
    """A score by the competition's metric, with its 95 % interval."""

    name: str
    score: float
    low: float | None
    high: float | None
    is_stack: bool


def list_scores(answer: AnswerFacts, members: MembersFacts) -> list[_Scored]:
    """Return the stacks and members that are scored by the competition's metric, the best first."""
    found = []
    for stack in answer.stacks:
        if stack.rank is not None:
            low, high = stack.interval or (None, None)
            found.append(_Scored(stack.name, stack.score, low, high, is_stack=True))
    for member in members.members:
        if member.is_finished and member.score is not None:
            reach = None if member.standard_error is None else 1.96 * member.standard_error
            low, high = (None, None) if reach is None else (member.score - reach, member.score + reach)
            found.append(_Scored(member.name, member.score, low, high, is_stack=False))
    return sorted(found, key=lambda one: -one.score if answer.larger_is_better else one.score)


def _build_scores(answer: AnswerFacts, members: MembersFacts) -> Chart:
    from ..charts.scores import ScoreRow, build_score_chart

    rows = [
        ScoreRow(one.name, one.score, low=one.low, high=one.high, important=one.is_stack)
        for one in list_scores(answer, members)[:MOST_SCORES]
    ]
    return build_score_chart(rows, score_label=answer.metric, larger_is_better=answer.larger_is_better)


def _build_submissions(answer: AnswerFacts) -> Chart:
    from ..charts.submissions import SubmissionPoint, build_submission_chart

    points = [
        SubmissionPoint(datetime.fromisoformat(one.made), one.own, one.own_error, one.public)
        for one in reversed(answer.submissions)
        if one.made and (one.own is not None or one.public is not None)
    ]
    return build_submission_chart(points, score_label=answer.metric, larger_is_better=answer.larger_is_better)


def _build_cost(members: Sequence[MemberFacts], answer: AnswerFacts, cost: str, label: str) -> Chart:
    from ..charts.costs import CostPoint, build_cost_chart

    by_metric = all(one.score is not None for one in members)
    points = [
        CostPoint(
            one.name,
            (one.score if by_metric else one.log_loss) or 0.0,
            one.standard_error if by_metric else None,
            getattr(one, cost),
            finished=one.is_finished,
        )
        for one in members
    ]
    score = answer.metric if by_metric else "log loss"
    return build_cost_chart(
        points,
        score_label=score,
        cost_label=label,
        larger_is_better=by_metric and answer.larger_is_better,
        title=f"{score} against {label}",
    )


def _build_parts(members: MembersFacts, answer: AnswerFacts) -> Chart:
    from ..charts.scores import Contribution, build_contribution_chart

    parts = [
        Contribution(one.name, one.without, *(one.without_interval or (None, None)))
        for one in members.members
        if one.without is not None
    ]
    return build_contribution_chart(parts, score_label=answer.metric)


def _build_correlations(members: MembersFacts) -> Chart:
    from ..charts.correlations import build_correlation_chart

    values = [[np.nan if value is None else value for value in row] for row in members.correlations]
    return build_correlation_chart(members.correlated, np.array(values))


def _build_curves(member: MemberFacts) -> Chart:
    from ..charts.learning_curves import build_learning_curve_chart

    return build_learning_curve_chart([make_member_curves(member.name, member.curves)])


def _build_reliability(quality: QualityFacts) -> Chart:
    from ..charts.reliability import ReliabilityCurve, build_reliability_chart

    curves = [("before calibration", quality.before), ("after calibration", quality.after)]
    return build_reliability_chart([ReliabilityCurve.read(name, found) for name, found in curves if found])


def _build_confusion(quality: QualityFacts) -> Chart:
    from ..charts.confusions import ConfusedPair, build_confused_pairs_chart, build_confusion_chart

    if quality.confusion:
        return build_confusion_chart([one.name for one in quality.classes], np.array(quality.confusion))
    photos = {one.name: one.photos for one in quality.classes}
    pairs = [ConfusedPair(one.true, one.predicted, one.count, photos[one.true]) for one in quality.pairs]
    return build_confused_pairs_chart(pairs)


def _build_classes(quality: QualityFacts) -> Chart:
    from ..charts.scores import ClassScore, build_class_score_chart

    return build_class_score_chart(
        [ClassScore(one.name, one.f1, one.photos) for one in quality.classes], score_label="F1"
    )


def _build_roc(quality: QualityFacts) -> Chart:
    from ..charts.operating_curves import OperatingCurve, build_roc_chart

    return build_roc_chart(
        [OperatingCurve(one.name, one.false_positive_rate, one.true_positive_rate, one.auc) for one in quality.curves]
    )


def _build_precision_recall(quality: QualityFacts) -> Chart:
    from ..charts.operating_curves import OperatingCurve, build_precision_recall_chart

    return build_precision_recall_chart(
        [OperatingCurve(one.name, one.recall, one.precision, one.average_precision) for one in quality.curves]
    )


def _build_counts(data: DataFacts) -> Chart:
    from ..charts.data import ClassCount, build_class_frequency_chart

    return build_class_frequency_chart([ClassCount(one.name, one.photos) for one in data.classes])


def _build_sizes(data: DataFacts) -> Chart:
    from ..charts.data import build_photo_size_chart

    return build_photo_size_chart(data.widths, data.heights)
