"""Quality of predictions: errors by class and by pair of classes, reliability, and curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..competition.metrics.metrics import METRICS, compute_row_losses, resolve_metric
from ..progress import Progress
from ..stacking.reliability import Reliability
from .curves import compute_curve
from .outcome_facts import BinFacts, ClassFacts, ConfusedPair, CurveFacts, QualityFacts, ReliabilityFacts
from .outcomes import Outcomes

# Most classes of a matrix, and most pairs of classes that are listed.
MATRIX_CLASSES, LISTED_PAIRS = 20, 100
# Most classes with curves, and most rows behind them.
CURVE_CLASSES, CURVE_ROWS = 6, 200_000
# Probability from which a tag counts as predicted.
TAG_THRESHOLD = 0.5

Floats = NDArray[np.floating[Any]]
Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RowResults:
    """Results of each predicted row and of each class.

    Attributes
    ----------
    losses
        Log loss of each row in nats, shape (rows,).
    choices
        Number of the most probable class of each row, shape (rows,). Empty for several labels.
    true, predicted, hits
        Numbers of true, predicted and rightly predicted rows of each class, shape (classes,).
    class_losses
        Mean log loss of each class, shape (classes,); NaN without rows.
    wrong
        Number of rows with a wrong label.
    """

    losses: Floats
    choices: Counts
    true: Counts
    predicted: Counts
    hits: Counts
    class_losses: Floats
    wrong: int


def measure_rows(outcomes: Outcomes, progress: Progress) -> RowResults:
    """Score each row and each class, in blocks of rows."""
    return _measure_exclusive(outcomes, progress) if outcomes.is_exclusive else _measure_tags(outcomes, progress)


def _measure_exclusive(outcomes: Outcomes, progress: Progress) -> RowResults:
    rows, classes = len(outcomes.rows), len(outcomes.manifest.classes)
    losses, choices = np.zeros(rows), np.zeros(rows, np.int64)
    task = progress.start("scoring rows", rows)
    for block, targets, probabilities in outcomes.iterate_blocks():
        progress.raise_if_stopping("in the report")
        losses[block] = compute_row_losses(targets, probabilities, multiclass=outcomes.manifest.sums_to_one)
        choices[block] = outcomes.choose_classes(probabilities)
        task.advance(len(targets))
    task.finish()
    codes = outcomes.codes
    known = codes >= 0
    true, predicted = (np.bincount(each[known], minlength=classes) for each in (codes, choices))
    right = known & (codes == choices)
    sums = np.bincount(codes[known], losses[known], minlength=classes)
    return RowResults(
        losses=losses,
        choices=choices,
        true=true,
        predicted=predicted,
        hits=np.bincount(codes[right], minlength=classes),
        class_losses=_divide(sums, true),
        wrong=int(rows - right.sum()),
    )


def _measure_tags(outcomes: Outcomes, progress: Progress) -> RowResults:
    rows, classes = len(outcomes.rows), len(outcomes.manifest.outputs)
    losses, cell_losses, wrong = np.zeros(rows), np.zeros(classes), 0
    true, predicted, hits = (np.zeros(classes, np.int64) for _ in range(3))
    task = progress.start("scoring rows", rows)
    for block, targets, probabilities in outcomes.iterate_blocks():
        progress.raise_if_stopping("in the report")
        clipped = np.clip(probabilities.astype(np.float64), 1e-15, 1 - 1e-15)
        cells = -np.where(targets > 0.5, np.log(clipped), np.log1p(-clipped))
        losses[block], cell_losses = cells.mean(axis=1), cell_losses + cells.sum(axis=0)
        truth, guess = targets > 0.5, probabilities > TAG_THRESHOLD
        true, predicted = true + truth.sum(axis=0), predicted + guess.sum(axis=0)
        hits, wrong = hits + (truth & guess).sum(axis=0), wrong + int((truth != guess).any(axis=1).sum())
        task.advance(len(targets))
    task.finish()
    return RowResults(losses, np.zeros(0, np.int64), true, predicted, hits, cell_losses / max(1, rows), wrong)


def describe_quality(
    outcomes: Outcomes,
    results: RowResults,
    before: Reliability | None,
    after: Reliability | None,
    temperature: float | None,
) -> QualityFacts:
    """Return the third section's facts.

    Parameters
    ----------
    before, after
        Reliability without and with calibration.
    """
    pairs, total, mistaken = _list_pairs(outcomes, results)
    curves, curve_rows = _draw_curves(outcomes, results)
    return QualityFacts(
        rows=len(outcomes.rows),
        errors=results.wrong,
        before=describe_reliability(before),
        after=describe_reliability(after),
        temperature=temperature,
        classes=_describe_classes(outcomes, results, mistaken),
        confusion=_count_confusion(outcomes, results),
        pairs=pairs,
        pairs_total=total,
        curves=curves,
        curve_rows=curve_rows,
    )


def describe_reliability(reliability: Reliability | None) -> ReliabilityFacts | None:
    """Return the bins of a reliability diagram as facts."""
    if reliability is None:
        return None
    bins = (BinFacts(count=one.count, predicted=one.predicted, happened=one.happened) for one in reliability.bins)
    return ReliabilityFacts(calibration_error=reliability.calibration_error, bins=tuple(bins))


def _describe_classes(outcomes: Outcomes, results: RowResults, mistaken: dict[int, str]) -> tuple[ClassFacts, ...]:
    names = outcomes.manifest.classes if outcomes.is_exclusive else outcomes.manifest.outputs
    precision, recall = _divide(results.hits, results.predicted), _divide(results.hits, results.true)
    f1 = _divide(2.0 * results.hits, results.true + results.predicted)
    return tuple(
        ClassFacts(
            name=name,
            photos=int(results.true[number]),
            predicted=int(results.predicted[number]),
            precision=round_finite(precision[number]),
            recall=round_finite(recall[number]),
            f1=round_finite(f1[number]),
            log_loss=round_finite(results.class_losses[number]),
            mistaken_for=mistaken.get(number, ""),
        )
        for number, name in enumerate(names)
    )


def _list_pairs(outcomes: Outcomes, results: RowResults) -> tuple[tuple[ConfusedPair, ...], int, dict[int, str]]:
    """Return the most frequent confusions, the number of all, and the class that each is mistaken for most often."""
    if not outcomes.is_exclusive:
        return (), 0, {}
    names, codes = outcomes.manifest.classes, outcomes.codes
    wrong = (codes >= 0) & (codes != results.choices)
    cells, counts = np.unique(codes[wrong] * len(names) + results.choices[wrong], return_counts=True)
    order = np.lexsort((cells, -counts))
    mistaken: dict[int, str] = {}
    for cell in cells[order].tolist():
        mistaken.setdefault(cell // len(names), names[cell % len(names)])
    pairs = tuple(
        ConfusedPair(
            true=names[cell // len(names)],
            predicted=names[cell % len(names)],
            count=count,
            share=round(count / int(results.true[cell // len(names)]), 4),
        )
        for cell, count in zip(cells[order][:LISTED_PAIRS].tolist(), counts[order][:LISTED_PAIRS].tolist(), strict=True)
    )
    return pairs, len(cells), mistaken


def _count_confusion(outcomes: Outcomes, results: RowResults) -> tuple[tuple[int, ...], ...]:
    classes = len(outcomes.manifest.classes)
    if not outcomes.is_exclusive or classes > MATRIX_CLASSES:
        return ()
    known = outcomes.codes >= 0
    cells = outcomes.codes[known] * classes + results.choices[known]
    return tuple(map(tuple, np.bincount(cells, minlength=classes**2).reshape(classes, classes).tolist()))


def _draw_curves(outcomes: Outcomes, results: RowResults) -> tuple[tuple[CurveFacts, ...], int]:
    """Return curves of the classes with the largest losses, if the metric is an area under a curve or an F score."""
    metric = resolve_metric(outcomes.manifest.metric, outcomes.manifest.task)
    if "auc" not in metric.name and "f1" not in metric.name and "f2" not in metric.name:
        return (), 0
    count, outputs = len(outcomes.rows), outcomes.manifest.outputs
    step = max(1, -(-count // CURVE_ROWS))
    rows = np.arange(0, count, step)
    losses = results.class_losses[-len(outputs) :]
    worst = np.argsort(-np.nan_to_num(losses), kind="stable")[:CURVE_CLASSES]
    targets = _read_columns(outcomes, rows, worst)
    found = (compute_curve(outputs[one], *columns) for one, columns in zip(worst.tolist(), targets, strict=True))
    return tuple(curve for curve in found if curve), len(rows)


def _read_columns(outcomes: Outcomes, rows: Counts, columns: Counts) -> list[tuple[Floats, Floats]]:
    """Return targets and probabilities of some outputs for some rows."""
    first = len(outcomes.manifest.classes) - len(outcomes.manifest.outputs)
    tags = None if outcomes.is_exclusive else outcomes.encode_targets(rows)
    codes = outcomes.codes[rows]
    return [
        (
            (codes == first + column).astype(np.float32) if tags is None else tags[:, column],
            np.asarray(outcomes.probabilities[rows, column], np.float64),
        )
        for column in columns.tolist()
    ]


def is_larger_better(metric: str) -> bool:
    """Return the direction of a metric. A metric of an unknown name is a loss."""
    return metric in METRICS and METRICS[metric].larger_is_better


def round_finite(number: float | None, digits: int = 6) -> float | None:
    """Round a number, and return None for one that is not finite."""
    return None if number is None or not np.isfinite(number) else round(float(number), digits)


def _divide(numerator: NDArray[Any], denominator: NDArray[Any]) -> Floats:
    above = denominator > 0
    return np.where(above, numerator / np.where(above, denominator, 1), np.nan)
