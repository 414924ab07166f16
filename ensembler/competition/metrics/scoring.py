"""Scores of predictions by a competition's metric, each with its standard error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..manifest import Manifest
from ..tables import Tables
from .measures import MeasuredScore, measure_labels, measure_probabilities
from .metrics import METRICS, Metric, accuracy, resolve_metric
from .scores import Scores
from .standard_errors import assign_units


class Estimate(NamedTuple):
    """A score and its standard error; NaN if it cannot be computed."""

    score: float
    standard_error: float


def evaluate_with_error(
    metric: Metric,
    targets: NDArray[np.floating],
    probabilities: NDArray[np.floating],
    manifest: Manifest,
    groups: Sequence[str] = (),
) -> Estimate:
    """Return the score of probabilities and its standard error. :func:`.choose_labels` chooses labels if needed.

    Parameters
    ----------
    targets, probabilities
        Arrays of shape (rows, outputs). Targets are 0 or 1.
    groups
        Group of each row, which may be empty. Rows of one group count as one observation.

    Returns
    -------
    Estimate
        Score and standard error, NaN if they are undefined, such as the AUC of rows of one class.
    """
    return _estimate(measure_probabilities(metric, targets, probabilities, manifest), len(targets), groups)


def evaluate_labels(
    metric: Metric, targets: NDArray[np.floating], predicted: NDArray[np.bool_], manifest: Manifest
) -> Estimate:
    """Score predicted classes or tags by a metric of labels."""
    return _estimate(measure_labels(metric, targets > 0.5, predicted, manifest), len(targets))


def _estimate(measured: MeasuredScore, rows: int, groups: Sequence[str] = ()) -> Estimate:
    units = assign_units(groups) if len(groups) else np.arange(rows)
    return Estimate(measured.value, measured.compute_standard_error(units))


def make_cost_function(manifest: Manifest) -> Callable[[NDArray[np.floating], NDArray[np.floating]], float]:
    """Return the function that scores probabilities by the manifest's metric as a cost: smaller is better."""
    metric = resolve_metric(manifest.metric, manifest.task)
    return lambda targets, probabilities: metric.compute_cost(
        measure_probabilities(metric, targets, probabilities, manifest).value
    )


def make_cost_measure(manifest: Manifest) -> Callable[[NDArray[np.floating], NDArray[np.floating]], MeasuredScore]:
    """Return :func:`make_cost_function` as a measure, which allows paired comparisons."""
    metric = resolve_metric(manifest.metric, manifest.task)

    def measure_cost(targets: NDArray[np.floating], probabilities: NDArray[np.floating]) -> MeasuredScore:
        measured = measure_probabilities(metric, targets, probabilities, manifest)
        return measured.negate() if metric.larger_is_better else measured

    return measure_cost


def compute_scores(
    targets: NDArray[np.floating],
    probabilities: NDArray[np.floating],
    manifest: Manifest,
    groups: Sequence[str] = (),
) -> Scores:
    """Return all scores of probabilities; see :func:`evaluate_with_error`."""
    metric = resolve_metric(manifest.metric, manifest.task)
    loss = METRICS["log loss"].resolve_for_task(manifest.task)
    log_loss = evaluate_with_error(loss, targets, probabilities, manifest, groups)
    own = log_loss if metric == loss else evaluate_with_error(metric, targets, probabilities, manifest, groups)
    return Scores(
        metric=metric.name,
        score=own.score,
        standard_error=own.standard_error,
        log_loss=log_loss.score,
        log_loss_error=log_loss.standard_error,
        accuracy=accuracy(targets, probabilities, multiclass=manifest.sums_to_one),
    )


def compute_out_of_fold_scores(
    tables: Tables, probabilities: NDArray[np.floating], scored: NDArray[np.bool_]
) -> Scores:
    """Return all scores of probabilities of the training photos in the mask ``scored``, shape (photos,)."""
    groups = tables.train.loc[scored, "group"].tolist()
    return compute_scores(tables.targets[scored], probabilities, tables.manifest, groups)
