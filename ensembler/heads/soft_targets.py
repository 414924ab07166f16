"""Soft targets of distillation: a teacher's probabilities, which a student learns beside the labels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .links import (
    EPSILON,
    Float32Array,
    FloatArray,
    compute_link,
    compute_losses_and_errors,
    compute_probabilities,
)


@dataclass(frozen=True)
class SoftTargets:
    """A teacher's probabilities, and how much they count.

    The loss of a row is ``(1 - weight) * H(y, p) + weight * T**2 * H(q_T, p_T)``. H is the log loss, y the label, p and
    q are the probabilities of the student and of the teacher, and T is the temperature, by which the scores before
    softmax or sigmoid are divided in p_T and q_T. The factor T**2 keeps the shares of both terms in the gradient about
    the same at all temperatures (Hinton, Vinyals & Dean, Distilling the Knowledge in a Neural Network, 2015).

    Attributes
    ----------
    probabilities
        Teacher's probabilities at temperature 1, shape (rows, outputs).
    weight
        Share of the teacher's term in the loss, from 0 to 1.
    temperature
        Divisor of the scores of student and teacher, at least 1.
    """

    probabilities: Float32Array
    weight: float
    temperature: float

    def soften(self, *, multiclass: bool) -> Float32Array:
        """Return the probabilities at the temperature."""
        return soften(self.probabilities, self.temperature, multiclass=multiclass)

    def tile(self, times: int) -> SoftTargets:
        """Return the targets of ``times`` copies of all rows."""
        return replace(self, probabilities=np.tile(self.probabilities, (times, 1)))

    def select(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> SoftTargets:
        """Return the targets of some rows."""
        return replace(self, probabilities=self.probabilities[rows])


def soften(probabilities: FloatArray, temperature: float, *, multiclass: bool) -> Float32Array:
    """Divide the scores behind probabilities of shape (rows, outputs) by a temperature."""
    clipped = np.clip(probabilities, EPSILON, 1 - EPSILON)
    return compute_probabilities(compute_link(clipped, multiclass=multiclass) / temperature, multiclass=multiclass)


def compute_distillation_losses_and_errors(
    scores: FloatArray, targets: FloatArray, softened: FloatArray, soft: SoftTargets, *, multiclass: bool
) -> tuple[FloatArray, FloatArray]:
    """Return the loss of :class:`SoftTargets` for scores, and its derivative by them.

    Parameters
    ----------
    scores
        Scores before softmax or sigmoid, shape (..., outputs).
    targets, softened
        Labels, and the teacher's probabilities at the temperature, in shapes that broadcast to that of ``scores``.
    soft
        Weight and temperature.

    Returns
    -------
    tuple of array
        Losses and derivatives as in :func:`.compute_losses_and_errors`.
    """
    weight, temperature = soft.weight, soft.temperature
    # A copy, because softmax overwrites the scores.
    taught, taught_errors = compute_losses_and_errors(scores / temperature, softened, multiclass=multiclass)
    losses, errors = compute_losses_and_errors(scores, targets, multiclass=multiclass)
    return (
        (1 - weight) * losses + weight * temperature**2 * taught,
        (1 - weight) * errors + weight * temperature * taught_errors,
    )
