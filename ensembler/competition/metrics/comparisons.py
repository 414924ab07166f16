"""Losses of the same rows compared: the standard error of their difference, and the one-standard-error rule."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def compute_paired_difference(first: NDArray[np.floating], second: NDArray[np.floating]) -> tuple[float, float]:
    """Return the mean difference of two losses of the same rows, and its standard error.

    The standard error is the standard deviation of the differences over the square root of their number. The standard
    deviation divides by one less than the number of rows, since its mean is estimated from the same rows: only then is
    the squared error, on average, the variance of the mean difference.

    Parameters
    ----------
    first, second
        Losses in the same order of rows, shape (rows,).

    Returns
    -------
    tuple of float
        Mean of ``first - second``, and its standard error, which is NaN for fewer than two rows.
    """
    differences = np.asarray(first - second, np.float64)
    error = float(differences.std(ddof=1) / math.sqrt(len(differences))) if len(differences) > 1 else math.nan
    return float(differences.mean()), error


def is_within_one_error(excess: float, standard_error: float) -> bool:
    """Return whether a loss that exceeds the best by ``excess`` is as good as the best; False where either is NaN."""
    return excess <= 0 or excess <= standard_error


def choose_within_one_error(losses: Sequence[NDArray[np.floating]]) -> int:
    """Return the number of the first setting whose mean loss is within one standard error of the lowest.

    The setting of the lowest mean is partly the best by luck, so the one-standard-error rule takes the simplest that is
    about as good (Breiman et al., Classification and Regression Trees, 1984, section 3.4.3; Hastie et al., The Elements
    of Statistical Learning, 2009, section 7.10). The standard error is that of the paired difference to the best, see
    :func:`compute_paired_difference`.

    Parameters
    ----------
    losses
        Loss of each row by each setting, shape (rows,) each, with the simplest setting first.
    """
    best = int(np.argmin([loss.mean() for loss in losses]))
    differences = (compute_paired_difference(loss, losses[best]) for loss in losses)
    return next((number for number, each in enumerate(differences) if is_within_one_error(*each)), best)
