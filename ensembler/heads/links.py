"""Link functions between probabilities and scores, and the log loss of scores with its gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

# Members' probabilities are clipped to this distance from 0 and 1 before their logarithm is taken. Closer values are
# not exact in float32, and one overconfident member could outweigh all others.
EPSILON = 1e-6
# Distance from 0 and 1 to which averaged probabilities are clipped, the resolution of float32.
_RESOLUTION = 1e-7

FloatArray = NDArray[np.floating]
Float32Array = NDArray[np.float32]


def compute_link(probabilities: Any, *, multiclass: bool) -> Any:
    """Return the scores that softmax or sigmoid map to these probabilities: logarithms, or log-odds.

    Logarithms suffice for exclusive classes, because softmax ignores a constant that is added to all scores of a row.

    Parameters
    ----------
    probabilities
        Probabilities of any shape, greater than 0 and less than 1.
    multiclass
        Whether the outputs are exclusive classes (softmax) rather than independent (sigmoid).
    """
    return np.log(probabilities) if multiclass else np.log(probabilities) - np.log(1 - probabilities)


def compute_log_odds(members: Sequence[Float32Array], *, multiclass: bool) -> Float32Array:
    """Return the scores of several members side by side, which are the input of a meta-learner.

    Parameters
    ----------
    members
        Probabilities of each member, shape (rows, outputs) each.
    multiclass
        Whether the outputs are exclusive classes.

    Returns
    -------
    array of shape (rows, members * outputs)
        Scores in the order of the members.
    """
    clipped = np.clip(np.concatenate(members, axis=1), np.float32(EPSILON), np.float32(1 - EPSILON))
    return np.asarray(compute_link(clipped, multiclass=multiclass))


def clip_log_odds(odds: Float32Array, floor: float, *, multiclass: bool) -> Float32Array:
    """Return log-odds as if the probabilities had been clipped to ``[floor, 1 - floor]``."""
    if floor <= EPSILON:
        return odds
    low, high = compute_link(np.array([floor, 1 - floor]), multiclass=multiclass)
    return np.clip(odds, np.float32(low), np.float32(high))


def find_columns(members: Sequence[int], outputs: int) -> NDArray[np.int64]:
    """Return the columns of :func:`compute_log_odds` that belong to the members with these numbers."""
    return (np.array(members, np.int64)[:, None] * outputs + np.arange(outputs)).ravel()


def compute_probabilities(scores: NDArray[Any], *, multiclass: bool) -> Float32Array:
    """Return the softmax over the last axis, or the sigmoid of each score, in float32."""
    scores = np.asarray(scores, dtype=np.float32)
    if multiclass:
        return np.asarray(softmax(scores, axis=-1))
    # SciPy's expit differs in the last digit of float32, which changes the log loss after calibration by 2e-6.
    small = np.exp(-np.abs(scores))
    return np.asarray(np.where(scores >= 0, 1, small) / (1 + small))


def average_log_odds(members: Sequence[Float32Array], *, multiclass: bool) -> Float32Array:
    """Average probabilities by their log-odds, which is a geometric mean.

    Parameters
    ----------
    members
        Probabilities of each member, shape (photos, outputs).

    Returns
    -------
    array of shape (photos, outputs)
        Averaged probabilities.
    """
    clipped = np.clip(np.asarray(members, np.float64), _RESOLUTION, 1 - _RESOLUTION)
    return compute_probabilities(compute_link(clipped, multiclass=multiclass).mean(axis=0), multiclass=multiclass)


def compute_losses_and_errors(
    scores: FloatArray, targets: FloatArray, *, multiclass: bool
) -> tuple[FloatArray, FloatArray]:
    """Return the log loss of scores, and its derivative by them.

    Parameters
    ----------
    scores
        Scores before softmax or sigmoid, shape (..., outputs). Softmax overwrites them to save memory.
    targets
        Targets 0 or 1, in a shape that broadcasts to that of ``scores``.
    multiclass
        Whether the outputs are exclusive classes.

    Returns
    -------
    tuple of array
        Losses and derivatives in the shape of ``scores``. The losses of softmax have the shape (..., 1).
    """
    if not multiclass:
        logs = np.logaddexp(0, -scores)
        return logs + (1 - targets) * scores, np.exp(-logs) - targets
    scores -= scores.max(axis=-1, keepdims=True)
    of_true_class = np.einsum("...o,...o->...", scores, targets)[..., None]
    np.exp(scores, out=scores)
    sums = scores.sum(axis=-1, keepdims=True)
    scores /= sums
    scores -= targets
    return np.log(sums) - of_true_class, scores


def choose_classes(probabilities: FloatArray, *, multiclass: bool) -> NDArray[np.int64]:
    """Return the classes that probabilities, or targets 0 and 1, of shape (rows, outputs) choose.

    Returns
    -------
    array of int
        Number of the class of each row, shape (rows,). For several independent outputs 0 or 1 each, shape
        (rows, outputs).
    """
    if multiclass:
        return np.asarray(probabilities.argmax(axis=1))
    chosen = (probabilities > 0.5).astype(np.int64)
    return chosen[:, 0] if chosen.shape[1] == 1 else chosen
