"""Link functions: probabilities to scores and back, and the log loss of scores with its gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

# Members' probabilities are clipped to this distance from 0 and 1 before their logarithm is taken. Beyond it float32
# has no digits left, and one overconfident member could outweigh all others.
EPSILON = 1e-6

FloatArray = NDArray[np.floating]


def compute_link(probabilities: Any, *, multiclass: bool) -> Any:
    """Return the scores that softmax or sigmoid turn into these probabilities: logarithms, or log-odds.

    A softmax ignores what the scores of a row have in common, so of exclusive classes the logarithm suffices.

    Parameters
    ----------
    probabilities
        Between 0 and 1, exclusive, of any shape.
    multiclass
        Whether the outputs are exclusive classes (softmax) rather than independent (sigmoid).
    """
    return np.log(probabilities) if multiclass else np.log(probabilities) - np.log(1 - probabilities)


def compute_log_odds(members: Sequence[NDArray[np.float32]], *, multiclass: bool) -> NDArray[np.float32]:
    """Return the scores of several members side by side: the input of a meta-learner.

    Parameters
    ----------
    members
        Probabilities of each member, shape (rows, outputs) each.
    multiclass
        As :func:`compute_link` takes it.

    Returns
    -------
    array of shape (rows, members * outputs)
        In the order of the members.
    """
    clipped = np.clip(np.concatenate(members, axis=1), np.float32(EPSILON), np.float32(1 - EPSILON))
    return np.asarray(compute_link(clipped, multiclass=multiclass))


def clip_log_odds(odds: NDArray[np.float32], floor: float, *, multiclass: bool) -> NDArray[np.float32]:
    """Return log-odds as if the probabilities had been clipped to ``[floor, 1 - floor]``."""
    if floor <= EPSILON:
        return odds
    low, high = compute_link(np.array([floor, 1 - floor]), multiclass=multiclass)
    return np.clip(odds, np.float32(low), np.float32(high))


def find_columns(members: Sequence[int], outputs: int) -> NDArray[np.int64]:
    """Return the columns of :func:`compute_log_odds` that belong to some members, by the members' numbers."""
    return (np.array(members, np.int64)[:, None] * outputs + np.arange(outputs)).ravel()


def compute_probabilities(scores: NDArray[Any], *, multiclass: bool) -> NDArray[np.float32]:
    """Return the softmax over the last axis, or the sigmoid of each score, in float32."""
    scores = np.asarray(scores, dtype=np.float32)
    if multiclass:
        return np.asarray(softmax(scores, axis=-1))
    # SciPy's expit differs in the last digit of float32. The search for a temperature makes 2e-6 of log loss of that.
    small = np.exp(-np.abs(scores))
    return np.asarray(np.where(scores >= 0, 1, small) / (1 + small))


def compute_losses_and_errors(
    scores: FloatArray, targets: FloatArray, *, multiclass: bool
) -> tuple[FloatArray, FloatArray]:
    """Return the log loss of scores, and its derivative by them.

    Parameters
    ----------
    scores
        Shape (..., outputs), before softmax or sigmoid. Those of a softmax are overwritten, which spares memory.
    targets
        0 or 1, of a shape that broadcasts against that of ``scores``.
    multiclass
        As :func:`compute_link` takes it.

    Returns
    -------
    tuple of array
        Losses, shape (..., 1) of a softmax, else of the shape of ``scores``; and derivatives of that shape.
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
    """Return what probabilities, or targets of 0 and 1, choose.

    Parameters
    ----------
    probabilities
        Shape (rows, outputs).
    multiclass
        As :func:`compute_link` takes it.

    Returns
    -------
    array of int
        Number of the class of each row, shape (rows,); of several independent outputs 0 or 1 for each, shape
        (rows, outputs).
    """
    if multiclass:
        return np.asarray(probabilities.argmax(axis=1))
    chosen = (probabilities > 0.5).astype(np.int64)
    return chosen[:, 0] if chosen.shape[1] == 1 else chosen
