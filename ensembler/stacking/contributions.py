"""Contributions of members to a stack, and correlations of their errors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..heads.links import Float32Array, clip_log_odds, find_columns
from ..progress import Task
from .learners.base import MAX_CHOICE_CELLS, MetaLearner, Rows, sample_rows, select_first_repeat
from .nested import Mask, predict_nested

# Maximum number of input values.
MAX_CELLS = MAX_CHOICE_CELLS


def predict_without_each(
    learner: MetaLearner,
    X: Float32Array,
    targets: Float32Array,
    folds: Rows,
    task: Task | None = None,
    learned: Mask | None = None,
) -> tuple[Rows, Float32Array, list[Float32Array]]:
    """Predict rows by nested folds, once with all members and once without each member.

    The settings and the floor of the fitted ``learner`` are kept. Predictions are not calibrated, so differences are
    due to the member. The other parameters are those of :func:`.predict_nested`.

    Returns
    -------
    tuple
        Numbers of the rows, which are a random sample of many rows. Their probabilities with all members, shape
        (rows, outputs). Their probabilities without each member.
    """
    outputs, multiclass = targets.shape[1], learner.multiclass_
    members = range(X.shape[1] // outputs)
    rows = sample_rows(len(X), MAX_CELLS // X.shape[1])
    X = clip_log_odds(X[rows], learner.blend_.floor, multiclass=multiclass)
    unfitted, folds = learner.clone_with_chosen_settings(), select_first_repeat(folds)[rows]
    predicted = []
    for left_out in (None, *members):
        columns = find_columns([one for one in members if one != left_out], outputs)
        nested = predict_nested(
            unfitted,
            X[:, columns],
            targets[rows],
            folds,
            multiclass=multiclass,
            choose_settings=False,
            learned=None if learned is None else learned[rows],
        )
        predicted.append(nested.calibrated)
        if task and left_out is not None:
            task.advance()
    return rows, predicted[0], predicted[1:]


def compute_error_correlations(members: list[Float32Array], targets: Float32Array) -> NDArray[np.float64]:
    """Return the correlations between members' errors over all rows and outputs, shape (members, members).

    An error is the probability minus the target. Correlations with a member without errors are NaN.
    """
    errors = np.stack([np.ravel(one - targets) for one in members]).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.atleast_2d(np.corrcoef(errors))
