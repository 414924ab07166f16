"""Log loss and accuracy for the three tasks."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Kaggle clips predictions here before it takes the logarithm.
EPSILON = 1e-15


def row_losses(targets: ArrayLike, probabilities: ArrayLike, *, exclusive: bool) -> NDArray[np.float64]:
    """Log loss of each row, in nats.

    Parameters
    ----------
    targets, probabilities
        Arrays of shape (rows, outputs); targets are 0 or 1.
    exclusive
        True for softmax tasks, where the loss is that of the true class; False averages the binary losses over the
        outputs, which is the plain log loss for one output and the mean column-wise log loss for several labels.
    """
    truth = np.asarray(targets, dtype=np.float64)
    guess = np.clip(np.asarray(probabilities, dtype=np.float64), EPSILON, 1 - EPSILON)
    if exclusive:
        return np.asarray(-(truth * np.log(guess)).sum(axis=1))
    return np.asarray(-(truth * np.log(guess) + (1 - truth) * np.log1p(-guess)).mean(axis=1))


def log_loss(targets: ArrayLike, probabilities: ArrayLike, *, exclusive: bool) -> float:
    """Mean of :func:`row_losses`."""
    return float(row_losses(targets, probabilities, exclusive=exclusive).mean())


def accuracy(targets: ArrayLike, probabilities: ArrayLike, *, exclusive: bool) -> float:
    """Share of rows (softmax) or of cells (sigmoid, threshold 0.5) that are right, from 0 to 1."""
    truth, guess = np.asarray(targets), np.asarray(probabilities)
    if exclusive:
        return float((truth.argmax(axis=1) == guess.argmax(axis=1)).mean())
    return float(((truth > 0.5) == (guess > 0.5)).mean())
