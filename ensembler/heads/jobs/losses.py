"""The loss of fine-tuning: log loss with smoothed labels and weighted classes."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from ...options.settings import ClassWeights


class LogLoss(keras.losses.Loss):  # type: ignore[misc]  # Keras is untyped
    """Log loss of probabilities, in float32.

    Parameters
    ----------
    multiclass
        Whether the outputs are exclusive classes (softmax). The losses of independent outputs (sigmoid) are averaged.
    smoothing
        Share of each label that is distributed over all classes (Szegedy et al., Rethinking the Inception Architecture,
        2016).
    weights
        Weight of each output where it is absent and where it is present, shape (2, outputs). Exclusive classes use
        only the latter.
    """

    def __init__(self, *, multiclass: bool, smoothing: float, weights: NDArray[np.float32]) -> None:
        super().__init__(name="log_loss", dtype="float32")
        self.multiclass = multiclass
        self.smoothing = smoothing
        self.absent, self.present = weights

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each row. Labels may be soft."""
        labels = y_true * (1 - self.smoothing) + self.smoothing / (y_true.shape[-1] if self.multiclass else 2)
        weighted = labels * self.present
        # Keras requires labels that sum to 1, so their weight is divided out and multiplies the loss.
        if self.multiclass:
            total = ops.sum(weighted, axis=-1, keepdims=True)
            return ops.squeeze(total, -1) * ops.categorical_crossentropy(weighted / total, y_pred)
        total = weighted + (1 - labels) * self.absent
        return ops.mean(total * ops.binary_crossentropy(weighted / total, y_pred), axis=-1)


def compute_class_weights(targets: NDArray[np.float32], kind: ClassWeights, *, multiclass: bool) -> NDArray[np.float32]:
    """Return weights of each output, absent and present, shape (2, outputs), whose mean over the rows is 1.

    Parameters
    ----------
    targets
        Targets 0 or 1, shape (rows, outputs).
    kind
        Kind of weights. ``none``: all are 1. ``balanced``: all classes have the same total weight (King & Zeng,
        Logistic Regression in Rare Events Data, 2001), and a class without rows has the weight 1.
    multiclass
        Whether the outputs are exclusive classes.
    """
    weights = np.ones((2, targets.shape[1]))
    if kind == "balanced":
        share = targets.mean(axis=0, dtype=np.float64)
        classes = int((share > 0).sum()) if multiclass else 2
        for row, part in enumerate((1 - share, share)):
            np.divide(1, classes * part, out=weights[row], where=part > 0)
        if multiclass:
            weights[0] = 1
    return weights.astype(np.float32)
