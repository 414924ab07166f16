"""Measured scores, as influences of rows or counts of rows, from which standard errors follow."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..manifest import Manifest
from .decisions import choose_labels, parse_class_levels
from .metrics import Metric, compute_row_losses
from .standard_errors import CountScore, InfluenceScore

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
MeasuredScore = InfluenceScore | CountScore


def measure_probabilities(
    metric: Metric, targets: NDArray[np.floating], probabilities: NDArray[np.floating], manifest: Manifest
) -> MeasuredScore:
    """Measure probabilities, shape (rows, outputs). Labels for the metric are chosen by :func:`.choose_labels`."""
    if metric.takes_labels:
        return measure_labels(metric, targets > 0.5, choose_labels(metric, probabilities, manifest), manifest)
    if metric.name in ("roc auc", "mean column-wise roc auc"):
        return _measure_mean_auc(targets > 0.5, np.asarray(probabilities, dtype=np.float64))
    multiclass = metric.name == "log loss" and manifest.sums_to_one
    return InfluenceScore.from_row_values(compute_row_losses(targets, probabilities, multiclass=multiclass))


def measure_labels(metric: Metric, targets: Flags, predicted: Flags, manifest: Manifest) -> MeasuredScore:
    """Measure classes or tags, shape (rows, outputs); True marks a class or tag."""
    one_class = manifest.task != "multilabel"
    if metric.name == "accuracy" or (metric.name == "micro f1" and one_class):
        # A row of several labels counts by its share of correct cells.
        same = targets == predicted
        return InfluenceScore.from_row_values(same.all(axis=1).astype(float) if one_class else same.mean(axis=1))
    if metric.name in ("sample f1", "sample f2"):
        return InfluenceScore.from_row_values(_compute_row_f(targets, predicted, metric.beta))
    if metric.name == "micro f1":
        return CountScore(_mark_rows(targets, predicted), _compute_micro_f1)
    if manifest.task == "binary" and metric.name != "f1":
        targets, predicted = _split_binary(targets), _split_binary(predicted)
    if metric.name == "quadratic weighted kappa":
        return _measure_kappa(targets, predicted, parse_class_levels(manifest.classes))
    return CountScore(_mark_rows(targets, predicted), _compute_macro_f1)


def _split_binary(flags: Flags) -> Flags:
    """Return a column for each of two classes."""
    return np.column_stack([~flags[:, 0], flags[:, 0]])


def _compute_row_f(targets: Flags, predicted: Flags, beta: float) -> Array:
    """Return the F score of each row; 0 for rows without tags."""
    hits = (targets & predicted).sum(axis=1)
    both = beta**2 * targets.sum(axis=1) + predicted.sum(axis=1)
    return np.asarray((1 + beta**2) * hits / np.maximum(both, 1e-12))


def _mark_rows(targets: Flags, predicted: Flags) -> Any:
    """Mark each row's hits, and its predicted plus true cells, per column; sparse, shape (2 x columns, rows)."""
    from scipy.sparse import csr_array, vstack

    hits = csr_array((targets & predicted).T, dtype=np.float64)
    either = csr_array(targets.T, dtype=np.float64) + csr_array(predicted.T, dtype=np.float64)
    return vstack([hits, either], format="csr")


def _compute_micro_f1(counts: Array) -> Array:
    """Return the F1 of the summed counts of all columns, shape (samples,)."""
    hits, either = np.split(counts.reshape(len(counts), -1), 2)
    return _divide(2 * hits.sum(axis=0), either.sum(axis=0))


def _compute_macro_f1(counts: Array) -> Array:
    """Return the mean F1 of the columns, shape (samples,), except classes that are neither true nor predicted."""
    hits, either = np.split(counts.reshape(len(counts), -1), 2)
    present = either > 0
    return _divide(np.where(present, 2 * hits / np.where(present, either, 1), 0).sum(axis=0), present.sum(axis=0))


def _divide(numerator: Array, denominator: Array) -> Array:
    """Divide; NaN for a denominator of 0."""
    return np.where(denominator > 0, numerator / np.where(denominator > 0, denominator, 1), np.nan)


def _measure_kappa(targets: Flags, predicted: Flags, levels: Array) -> CountScore:
    from scipy.sparse import csr_array

    rows, classes = targets.shape
    cells = targets.argmax(axis=1) * classes + predicted.argmax(axis=1)
    marks = csr_array((np.ones(rows), (cells, np.arange(rows))), shape=(classes**2, rows))
    return CountScore(marks, partial(_compute_kappa, distances=(levels[:, None] - levels) ** 2))


def _compute_kappa(counts: Array, distances: Array) -> Array:
    """Return the quadratic weighted kappa of confusion matrices, each flattened to a column of ``counts``."""
    tables = counts.reshape(*distances.shape, -1)
    observed = np.einsum("ij,ijs->s", distances, tables)
    by_chance = np.einsum("ij,is,js->s", distances, tables.sum(axis=1), tables.sum(axis=0))
    return np.asarray(1 - _divide(observed * tables.sum(axis=(0, 1)), by_chance))


def _measure_mean_auc(targets: Flags, probabilities: Array) -> InfluenceScore:
    """Return the mean AUC of the columns, except columns with only one class."""
    known = [
        measure_auc(truth, guess)
        for truth, guess in zip(targets.T, probabilities.T, strict=True)
        if 0 < truth.mean() < 1
    ]
    if not known:
        return InfluenceScore(float("nan"), np.full(len(targets), np.nan))
    value = float(np.mean([column.value for column in known]))
    return InfluenceScore(value, np.mean([column.influences for column in known], axis=0))


def measure_auc(truth: NDArray[np.bool_], guess: Array) -> InfluenceScore:
    """Return the AUC, with influences from the rows' placements among the other class.

    The standard error is that of DeLong et al., Comparing the areas under two or more correlated receiver operating
    characteristic curves, Biometrics 44, 1988, with clusters as in Obuchowski, Biometrics 53, 1997.
    """
    from scipy.stats import rankdata

    ranks, placements = rankdata(guess), np.empty(len(guess))
    for group in (truth, ~truth):
        placements[group] = (ranks[group] - rankdata(guess[group])) / (~group).sum()
    area = float(placements[truth].mean())
    influences = np.where(truth, (placements - area) / truth.mean(), (1 - area - placements) / (~truth).mean())
    return InfluenceScore(area, influences)
