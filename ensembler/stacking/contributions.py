"""What each member gives to a stack, and how alike members' errors are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from ..heads.links import clip_log_odds, find_columns
from ..progress import Task
from .learners.base import MAX_CHOICE_CELLS, MetaLearner, Rows, sample_rows, select_first_repeat

# Numbers of the input that are looked at.
MAX_CELLS = MAX_CHOICE_CELLS


def predict_without_each(
    learner: MetaLearner,
    X: NDArray[np.float32],
    Y: NDArray[np.float32],
    folds: Rows,
    task: Task | None = None,
) -> tuple[Rows, NDArray[np.float32], list[NDArray[np.float32]]]:
    """Predict rows by nested folds with all members, and without each.

    Settings, and what members are held off certainty by, stay those that the fitted learner had chosen; there is no
    calibration of the answers, so that a difference is the member's.

    Parameters
    ----------
    learner
        Fitted on all members.
    X, Y, folds
        As :meth:`.MetaLearner.fit` takes them.
    task
        Advances with each member.

    Returns
    -------
    tuple
        The rows, of which some are drawn where they are many; their probabilities with all members, shape
        (rows, outputs); and those without each.
    """
    outputs = Y.shape[1]
    members = range(X.shape[1] // outputs)
    rows = sample_rows(len(X), MAX_CELLS // X.shape[1])
    X = clip_log_odds(X[rows], learner.blend_.floor, multiclass=learner.blend_.multiclass)
    Y, folds = Y[rows], select_first_repeat(folds)[rows]
    unfitted = learner.clone_with_chosen_settings()
    with_all = _predict_by_folds(unfitted, X, Y, folds)
    without = []
    for one in members:
        others = find_columns([other for other in members if other != one], outputs)
        without.append(_predict_by_folds(unfitted, X[:, others], Y, folds))
        if task:
            task.advance()
    return rows, with_all, without


def _predict_by_folds(
    learner: MetaLearner, X: NDArray[np.float32], Y: NDArray[np.float32], folds: Rows
) -> NDArray[np.float32]:
    result = np.empty(Y.shape, np.float32)
    for fold in np.unique(folds):
        rest, held_out = folds != fold, folds == fold
        # Nothing is left to choose.
        one_fold = np.zeros(int(rest.sum()), np.int64)
        result[held_out] = clone(learner).fit(X[rest], Y[rest], one_fold).predict_proba(X[held_out])
    return result


def compute_error_correlations(members: list[NDArray[np.float32]], targets: NDArray[np.float32]) -> NDArray[np.float64]:
    """Correlation of each two members' errors, probability less truth over all rows and outputs: (members, members).

    It is not a number for a member without errors.
    """
    errors = np.stack([np.ravel(one - targets) for one in members]).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.atleast_2d(np.corrcoef(errors))
