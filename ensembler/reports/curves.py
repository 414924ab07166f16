"""ROC and precision-recall curves with few points."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .outcome_facts import CurveFacts

# Most points of a curve.
POINTS = 200

Floats = NDArray[np.floating[Any]]


def compute_curve(name: str, targets: Floats, probabilities: Floats) -> CurveFacts | None:
    """Return the ROC and the precision-recall curve of one class against all others.

    Parameters
    ----------
    targets, probabilities
        Targets of 0 and 1, and probabilities of the class, shape (rows,).

    Returns
    -------
    CurveFacts or None
        None if all rows have one target.
    """
    from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

    truth = targets > 0.5
    if truth.all() or not truth.any():
        return None
    false_rate, true_rate, _ = roc_curve(truth, probabilities)
    precision, recall, _ = precision_recall_curve(truth, probabilities)
    false_rate, true_rate = thin_curve(false_rate, true_rate)
    recall, precision = thin_curve(recall[::-1], precision[::-1])
    return CurveFacts(
        name=name,
        auc=round(float(roc_auc_score(truth, probabilities)), 6),
        average_precision=round(float(average_precision_score(truth, probabilities)), 6),
        false_positive_rate=_round(false_rate),
        true_positive_rate=_round(true_rate),
        recall=_round(recall),
        precision=_round(precision),
    )


def thin_curve(x: Floats, y: Floats, points: int = POINTS) -> tuple[Floats, Floats]:
    """Return points of a curve at equal distances along it, with both ends.

    Parameters
    ----------
    x, y
        Coordinates from 0 to 1, shape (n,).
    """
    if len(x) <= points:
        return x, y
    length = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
    wanted = np.searchsorted(length, np.linspace(0, length[-1], points))
    kept = np.unique(np.concatenate([[0], np.minimum(wanted, len(x) - 1), [len(x) - 1]]))
    return x[kept], y[kept]


def _round(values: Floats) -> tuple[float, ...]:
    return tuple(np.round(values, 4).tolist())
