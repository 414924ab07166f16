"""Each metric as what a score and its standard error are taken from: influences of rows, or counts of them."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..manifest import Manifest
from .decisions import class_levels, decide
from .metrics import Metric, row_losses
from .standard_errors import OfCounts, OfInfluences

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Measured = OfInfluences | OfCounts


def measure(
    metric: Metric, targets: NDArray[np.floating], probabilities: NDArray[np.floating], manifest: Manifest
) -> Measured:
    """Measure probabilities, shape (rows, outputs); a metric of labels measures what :func:`.decide` makes of them."""
    if metric.takes_labels:
        return measure_decided(metric, targets > 0.5, decide(metric, probabilities, manifest), manifest)
    if metric.name in ("roc auc", "mean column-wise roc auc"):
        return _mean_auc(targets > 0.5, np.asarray(probabilities, dtype=np.float64))
    exclusive = metric.name == "log loss" and manifest.sums_to_one
    return OfInfluences.mean(row_losses(targets, probabilities, exclusive=exclusive))


def measure_decided(metric: Metric, targets: Flags, decided: Flags, manifest: Manifest) -> Measured:
    """Measure classes or tags, shape (rows, outputs), true where a class or tag is there."""
    one_class = manifest.task != "multilabel"
    if metric.name == "accuracy" or (metric.name == "micro f1" and one_class):
        return OfInfluences.mean(_right(targets, decided, one_class=one_class))
    if metric.name in ("sample f1", "sample f2"):
        return OfInfluences.mean(_row_f(targets, decided, metric.beta))
    if metric.name == "micro f1":
        return OfCounts(_marks(targets, decided), _f1_of_all)
    if manifest.task == "binary" and metric.name != "f1":
        targets, decided = _both(targets), _both(decided)
    if metric.name == "quadratic weighted kappa":
        return _kappa(targets, decided, class_levels(manifest.classes))
    return OfCounts(_marks(targets, decided), _mean_f1)


def _right(targets: Flags, decided: Flags, *, one_class: bool) -> Array:
    """Whether each row is right, or what share of its cells where a row may have several labels."""
    same = targets == decided
    return np.asarray(same.all(axis=1) if one_class else same.mean(axis=1), dtype=np.float64)


def _both(flags: Flags) -> Flags:
    """Return a column for each of two classes."""
    return np.column_stack([~flags[:, 0], flags[:, 0]])


def _row_f(targets: Flags, decided: Flags, beta: float) -> Array:
    """F score of each row; 0 for rows without tags."""
    hits = (targets & decided).sum(axis=1)
    both = beta**2 * targets.sum(axis=1) + decided.sum(axis=1)
    return np.asarray((1 + beta**2) * hits / np.maximum(both, 1e-12))


def _marks(targets: Flags, decided: Flags) -> Any:
    """Mark each row's hits, and what was chosen and what is true, by column: sparse, shape (2 x columns, rows)."""
    from scipy.sparse import csr_array, vstack

    hits = csr_array((targets & decided).T, dtype=np.float64)
    either = csr_array(targets.T, dtype=np.float64) + csr_array(decided.T, dtype=np.float64)
    return vstack([hits, either], format="csr")


def _f1_of_all(counts: Array) -> Array:
    """F1 of all columns' counts together, shape (samples,)."""
    hits, either = np.split(_of_samples(counts), 2)
    return _ratio(2 * hits.sum(axis=0), either.sum(axis=0))


def _mean_f1(counts: Array) -> Array:
    """Mean of the columns' F1, shape (samples,); a class that is neither true nor chosen anywhere is left out."""
    hits, either = np.split(_of_samples(counts), 2)
    there = either > 0
    return _ratio(np.where(there, 2 * hits / np.where(there, either, 1), 0).sum(axis=0), there.sum(axis=0))


def _of_samples(counts: Array) -> Array:
    return counts.reshape(len(counts), -1)


def _ratio(above: Array, below: Array) -> Array:
    """Divide; not a number where that cannot be done."""
    return np.where(below > 0, above / np.where(below > 0, below, 1), np.nan)


def _kappa(targets: Flags, decided: Flags, levels: Array) -> OfCounts:
    from scipy.sparse import csr_array

    rows, classes = targets.shape
    cells = targets.argmax(axis=1) * classes + decided.argmax(axis=1)
    marks = csr_array((np.ones(rows), (cells, np.arange(rows))), shape=(classes**2, rows))
    return OfCounts(marks, partial(_kappa_of_cells, distances=(levels[:, None] - levels) ** 2))


def _kappa_of_cells(counts: Array, distances: Array) -> Array:
    """Quadratic weighted kappa of tables of true by chosen class, each in a column of ``counts``."""
    tables = counts.reshape(*distances.shape, -1)
    observed = np.einsum("ij,ijs->s", distances, tables)
    by_chance = np.einsum("ij,is,js->s", distances, tables.sum(axis=1), tables.sum(axis=0))
    return np.asarray(1 - _ratio(observed * tables.sum(axis=(0, 1)), by_chance))


def _mean_auc(targets: Flags, probabilities: Array) -> OfInfluences:
    """Mean over the columns' AUC; a column of one class only has none and is left out."""
    known = [
        _auc(truth, guess) for truth, guess in zip(targets.T, probabilities.T, strict=True) if 0 < truth.mean() < 1
    ]
    if not known:
        return OfInfluences(float("nan"), np.full(len(targets), np.nan))
    value = float(np.mean([column.value for column in known]))
    return OfInfluences(value, np.mean([column.influences for column in known], axis=0))


def _auc(truth: NDArray[np.bool_], guess: Array) -> OfInfluences:
    """AUC with influences by the rows' placements among the other class.

    The standard error is that of DeLong et al., Comparing the areas under two or more correlated receiver operating
    characteristic curves, Biometrics 44, 1988; rows of one unit taken together as by Obuchowski, Biometrics 53, 1997.
    """
    from scipy.stats import rankdata

    ranks, placements = rankdata(guess), np.empty(len(guess))
    for group in (truth, ~truth):
        placements[group] = (ranks[group] - rankdata(guess[group])) / (~group).sum()
    area = float(placements[truth].mean())
    influences = np.where(truth, (placements - area) / truth.mean(), (1 - area - placements) / (~truth).mean())
    return OfInfluences(area, influences)
