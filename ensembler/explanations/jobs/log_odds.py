"""Log-odds of a class, as functions of a network's last scores or probabilities that have a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from ...competition.task import Task

# Far below any score, but finite.
_NEVER = -1e30
_LEAST = 1e-300


def compute_class_log_odds(scores: Any, classes: NDArray[np.int64], task: Task) -> Any:
    """Return the log-odds of a class for each photo, from the scores before softmax or sigmoid.

    Parameters
    ----------
    scores
        Tensor of shape (photos, outputs).
    classes
        Number of the class of each photo, shape (photos,). A binary task has two classes and one output, that of the
        second class.
    task
        Task of the competition.

    Returns
    -------
    tensor of shape (photos,)
        Log-odds in float64.
    """
    scores = ops.cast(scores, "float64")
    if task == "binary":
        return scores[:, 0] * np.where(classes == 1, 1.0, -1.0)
    chosen = np.eye(int(scores.shape[1]))[classes]
    own = ops.sum(scores * chosen, axis=1)
    return own if task == "multilabel" else own - ops.logsumexp(scores * (1 - chosen) + _NEVER * chosen, axis=1)


def convert_probabilities(probabilities: Any, task: Task) -> Any:
    """Return scores that softmax or sigmoid map to these probabilities."""
    probabilities = ops.cast(probabilities, "float64")
    logarithms = ops.log(ops.maximum(probabilities, _LEAST))
    return logarithms if task == "multiclass" else logarithms - ops.log(ops.maximum(1 - probabilities, _LEAST))
