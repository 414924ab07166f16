"""Charts of made data, one of each kind, for tests of all of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np

from ensembler.charts.chart import Chart
from ensembler.charts.confusions import ConfusedPair, build_confused_pairs_chart, build_confusion_chart
from ensembler.charts.correlations import build_correlation_chart
from ensembler.charts.costs import CostPoint, build_cost_chart
from ensembler.charts.data import (
    ClassCount,
    Mark,
    build_class_frequency_chart,
    build_histogram_chart,
    build_photo_size_chart,
)
from ensembler.charts.learning_curves import FoldCurve, MemberCurves, build_learning_curve_chart
from ensembler.charts.operating_curves import OperatingCurve, build_precision_recall_chart, build_roc_chart
from ensembler.charts.reliability import ReliabilityCurve, build_reliability_chart
from ensembler.charts.scores import (
    ClassScore,
    Contribution,
    ScoreRow,
    build_class_score_chart,
    build_contribution_chart,
    build_score_chart,
)
from ensembler.charts.submissions import SubmissionPoint, build_submission_chart

# Names as people and folders have them: long, equal at both ends, of other scripts, with markup and formulas.
NAMES = ("b0", "efficientnetv2-s@a-rather-long-label-that-goes-on", "\u6ce8\u610f $x_1$ <&> \x07", "_mobilenet\udc80")


def make_names(count: int) -> list[str]:
    return [NAMES[number % 4] + (f"-{number}" if number > 3 else "") for number in range(count)]


def make_fold(fold: int, epochs: int = 12) -> FoldCurve:
    losses = [1 / epoch + 0.01 * fold for epoch in range(1, epochs + 1)]
    phases = [1 if epoch < 3 else 2 for epoch in range(epochs)]
    return FoldCurve(fold, range(1, epochs + 1), losses, [None, *losses[1:]], phases)


def make_operating_curve(name: str) -> OperatingCurve:
    x = np.linspace(0, 1, 5000)
    return OperatingCurve(name, x, np.sqrt(x), 0.9123)


def _make_submissions(count: int) -> list[SubmissionPoint]:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        SubmissionPoint(start + timedelta(hours=7 * n), 0.3 / (n + 1), 0.01, None if n % 3 == 1 else 0.35 / (n + 1))
        for n in range(count)
    ]


def _make_confusion(count: int) -> Chart:
    size = min(count, 20)
    return build_confusion_chart(make_names(size), np.arange(size * size).reshape(size, size))


def _make_correlations(count: int) -> Chart:
    errors = np.random.default_rng(0).normal(size=(count, 30))
    return build_correlation_chart(make_names(count), np.atleast_2d(np.corrcoef(errors)) if count else np.zeros((0, 0)))


# Each makes a chart of that many items.
MADE: dict[str, Callable[[int], Chart]] = {
    "costs": lambda count: build_cost_chart(
        [CostPoint(name, 0.5 / (n + 1), 0.01, 5.0 + n % 7, n % 2 > 0) for n, name in enumerate(make_names(count))],
        score_label="log loss",
        cost_label="milliseconds per photo",
    ),
    "scores": lambda count: build_score_chart(
        [ScoreRow(name, 0.1 + n, n, n + 0.5, n == 0) for n, name in enumerate(make_names(count))],
        score_label="log loss",
    ),
    "contributions": lambda count: build_contribution_chart(
        [Contribution(name, 0.5 - n, 0.1 - n, 0.7 - n) for n, name in enumerate(make_names(count))],
        score_label="log loss",
    ),
    "class scores": lambda count: build_class_score_chart(
        [ClassScore(name, None if n == 2 else 1 / (n + 1), n) for n, name in enumerate(make_names(count))],
        score_label="accuracy",
    ),
    "correlations": _make_correlations,
    "folds": lambda count: build_learning_curve_chart([MemberCurves("b0", [make_fold(n) for n in range(count)])]),
    "members": lambda count: build_learning_curve_chart(
        [MemberCurves(name, [make_fold(n) for n in range(5)]) for name in make_names(count)]
    ),
    "reliability": lambda count: build_reliability_chart(
        [ReliabilityCurve(name, [0.1, 0.9], [0.0, 1.0], [3, 9], 0.1) for name in make_names(min(count, 2))]
    ),
    "confusion": _make_confusion,
    "confused pairs": lambda count: build_confused_pairs_chart(
        [ConfusedPair(name, "other", n + 1, 200) for n, name in enumerate(make_names(count))]
    ),
    "frequencies": lambda count: build_class_frequency_chart(
        [ClassCount(name, 2 + n * n) for n, name in enumerate(make_names(count))]
    ),
    "photo sizes": lambda count: build_photo_size_chart(
        100 + np.arange(count * 10) * 7 % 431, 100 + np.arange(count * 10) * 11 % 1999
    ),
    "histogram": lambda count: build_histogram_chart(
        np.arange(count) ** 2 * 1.0, value_label="seriousness", marks=[Mark(0.0, "listed from here")]
    ),
    "ROC": lambda count: build_roc_chart([make_operating_curve(name) for name in make_names(count)]),
    "precision and recall": lambda count: build_precision_recall_chart(
        [make_operating_curve(name) for name in make_names(count)], positive_share=0.2
    ),
    "submissions": lambda count: build_submission_chart(_make_submissions(count), score_label="log loss"),
}
