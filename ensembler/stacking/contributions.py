"""What each member gives to a stack, and how alike members' errors are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..heads.links import clip_log_odds, find_columns
from ..progress import Task
from .learners.base import MAX_CHOICE_CELLS, MetaLearner, Rows, sample_rows, select_first_repeat
from .nested import predict_nested

# Numbers of the input that are looked at.
MAX_CELLS = MAX_CHOICE_CELLS


def predict_without_each(
    learner: MetaLearner,
    X: NDArray[np.float32],
    targets: NDArray[np.float32],
    folds: Rows,
    task: Task | None = None,
) -> tuple[Rows, NDArray[np.float32], list[NDArray[np.float32]]]:
    """Predict rows by nested folds with all members, and without each.

    Settings, and the floor of the members' probabilities, stay those that the fitted learner chose. Answers are not
    calibrated, so that a difference is due to the member.

    Parameters
    ----------
    learner
        Meta-learner that was fitted on all members.
    X, targets, folds
        As :func:`.predict_nested` takes them.
    task
        Advances with each member.

    Returns
    -------
    tuple
        Numbers of the rows, of which a random part is used where they are many; their probabilities with all members,
        shape (rows, outputs); and those without each.
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
            unfitted, X[:, columns], targets[rows], folds, multiclass=multiclass, choose_settings=False
        )
        predicted.append(nested.calibrated)
        if task and left_out is not None:
            task.advance()
    return rows, predicted[0], predicted[1:]


def compute_error_correlations(members: list[NDArray[np.float32]], targets: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the correlation of each two members' errors, probability less target, shape (members, members).

    It is taken over all rows and outputs, and is NaN for a member without errors.
    """
    errors = np.stack([np.ravel(one - targets) for one in members]).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.atleast_2d(np.corrcoef(errors))
