"""Predictions of rows by meta-learners that were fitted on other rows: what a stack is scored by."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..progress import Task
from .learners.base import MetaLearner, fit_on_targets, select_first_repeat


class NestedPredictions(NamedTuple):
    """Probabilities of shape (rows, outputs), of each row by a meta-learner that was not fitted on it.

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
    targets: NDArray[np.float32],
    folds: NDArray[np.int64],
    task: Task | None = None,
    *,
    multiclass: bool,
    choose_settings: bool = True,
) -> NestedPredictions:
    """Predict each row by a meta-learner that was fitted on the other folds, where it chose its settings too.

    Parameters
    ----------
    learner
        Meta-learner that is cloned for each fold.
    X, targets
        Log-odds, shape (rows, members * outputs), and targets 0 or 1, shape (rows, outputs).
    folds
        Folds, shape (rows,) or (rows, repeats).
    task
        Advances with each fold.
    multiclass
        Whether the outputs are exclusive classes.
    choose_settings
        False fits with the first of each setting, and spares the inner folds.
    """
    result = NestedPredictions(np.empty(targets.shape, np.float32), np.empty(targets.shape, np.float32))
    outer = select_first_repeat(folds)
    inner = folds if choose_settings else np.zeros_like(outer)
    for fold in np.unique(outer):
        rest, held_out = outer != fold, outer == fold
        fitted = fit_on_targets(learner, X[rest], targets[rest], inner[rest], multiclass=multiclass)
        # Of two classes, tables hold the second alone.
        result.calibrated[held_out] = fitted.predict_proba(X[held_out])[:, -targets.shape[1] :]
        result.uncalibrated[held_out] = fitted.predict_uncalibrated(X[held_out])[:, -targets.shape[1] :]
        if task:
            task.advance()
    return result
