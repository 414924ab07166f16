"""Nested predictions, on which a stack is scored: each row by a meta-learner that was fitted on other rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..heads.links import Float32Array
from ..progress import Task
from .learners.base import MetaLearner, Rows, fit_on_targets, select_first_repeat

Mask = NDArray[np.bool_]


class NestedPredictions(NamedTuple):
    """Nested probabilities, shape (rows, outputs), with and without the calibration of the other folds."""

    calibrated: Float32Array
    uncalibrated: Float32Array


def predict_nested(
    learner: MetaLearner,
    X: Float32Array,
    targets: Float32Array,
    folds: Rows,
    task: Task | None = None,
    *,
    multiclass: bool,
    choose_settings: bool = True,
    learned: Mask | None = None,
) -> NestedPredictions:
    """Predict each row by a meta-learner whose weights and settings come from the other folds.

    Parameters
    ----------
    learner
        Meta-learner that is cloned for each fold.
    X, targets
        Log-odds, shape (rows, members * outputs), and targets 0 or 1, shape (rows, outputs).
    folds
        Folds, shape (rows,) or (rows, repeats).
    task
        Task that advances with each fold.
    multiclass
        Whether the outputs are exclusive classes.
    choose_settings
        Whether to choose settings by inner folds. Otherwise the first ones are used.
    learned
        Mask of the rows on which meta-learners may be fitted, shape (rows,). All rows are predicted. None is all.
    """
    result = NestedPredictions(np.empty(targets.shape, np.float32), np.empty(targets.shape, np.float32))
    outer = select_first_repeat(folds)
    inner = folds if choose_settings else np.zeros_like(outer)
    for fold in np.unique(outer):
        rest, held_out = outer != fold, outer == fold
        if learned is not None:
            rest &= learned
        fitted = fit_on_targets(learner, X[rest], targets[rest], inner[rest], multiclass=multiclass)
        # Tables contain only the second of two classes.
        result.calibrated[held_out] = fitted.predict_proba(X[held_out])[:, -targets.shape[1] :]
        result.uncalibrated[held_out] = fitted.predict_uncalibrated(X[held_out])[:, -targets.shape[1] :]
        if task:
            task.advance()
    return result
