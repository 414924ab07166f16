"""The loss of fine-tuning: log loss with smoothed labels and weighted classes."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from ...options.settings import ClassWeights
from ..links import EPSILON
from ..soft_targets import SoftTargets


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


class DistillationLoss(LogLoss):
    """Loss of labels and of a teacher's probabilities; see :class:`.SoftTargets`.

    A row of ``y_true`` contains both: the labels, then the teacher's probabilities at temperature 1. Augmentation that
    mixes photos mixes both.

    Parameters
    ----------
    weight, temperature
        Share of the teacher's term, and the temperature.
    """

    def __init__(self, *, weight: float, temperature: float, **options: Any) -> None:
        super().__init__(**options)
        self.weight = weight
        self.temperature = temperature

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each row."""
        labels, taught = ops.split(y_true, 2, axis=-1)
        softened = self._soften(taught), self._soften(y_pred)
        if self.multiclass:
            soft_loss = ops.categorical_crossentropy(*softened)
        else:
            soft_loss = ops.mean(ops.binary_crossentropy(*softened), axis=-1)
        return (1 - self.weight) * super().call(labels, y_pred) + self.weight * self.temperature**2 * soft_loss

    def _soften(self, probabilities: Any) -> Any:
        clipped = ops.clip(probabilities, EPSILON, 1 - EPSILON)
        if self.multiclass:
            return ops.softmax(ops.log(clipped) / self.temperature)
        return ops.sigmoid((ops.log(clipped) - ops.log(1 - clipped)) / self.temperature)


def build_loss(
    *, multiclass: bool, smoothing: float, weights: NDArray[np.float32], soft: SoftTargets | None = None
) -> LogLoss:
    """Build the loss of a network, which also learns soft targets if there are any."""
    options: dict[str, Any] = {"multiclass": multiclass, "smoothing": smoothing, "weights": weights}
    return (
        LogLoss(**options)
        if soft is None
        else DistillationLoss(weight=soft.weight, temperature=soft.temperature, **options)
    )


def join_targets(targets: NDArray[np.float32], soft: SoftTargets | None) -> NDArray[np.float32]:
    """Return the targets that the loss of :func:`build_loss` takes, shape (rows, outputs) or (rows, 2 * outputs)."""
    return targets if soft is None else np.hstack([targets, soft.probabilities])


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
