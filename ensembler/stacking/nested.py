"""Predictions of rows by meta-learners that were fitted on other rows: what a stack is scored by."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from ..progress import Task
from .learners.base import MetaLearner, select_first_repeat


class NestedPredictions(NamedTuple):
    """Probabilities of shape (rows, outputs), each row's by a meta-learner that was not fitted on it.

    Attributes
    ----------
    calibrated, uncalibrated
        With temperature and clip, which were learned on the other folds too, and without.
    """

    calibrated: NDArray[np.float32]
    uncalibrated: NDArray[np.float32]


def predict_nested(
    learner: MetaLearner,
    X: NDArray[np.float32],
    Y: NDArray[np.float32],
    folds: NDArray[np.int64],
    task: Task | None = None,
) -> NestedPredictions:
    """Predict each row by a meta-learner that was fitted on the other folds, where it chose its settings too.

    Parameters
    ----------
    learner
        Cloned for each fold.
    X, Y, folds
        As :meth:`.MetaLearner.fit` takes them.
    task
        Advances with each fold.
    """
    result = NestedPredictions(np.empty(Y.shape, np.float32), np.empty(Y.shape, np.float32))
    outer = select_first_repeat(folds)
    for fold in np.unique(outer):
        rest, held_out = outer != fold, outer == fold
        fitted = clone(learner).fit(X[rest], Y[rest], folds[rest])
        result.calibrated[held_out] = fitted.predict_proba(X[held_out])
        result.uncalibrated[held_out] = fitted.predict_uncalibrated(X[held_out])
        if task:
            task.advance()
    return result
