"""The fitted function of any meta-learner: log-odds of members in, probabilities out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from ..heads.links import EPSILON, clip_log_odds, compute_probabilities
from .networks import Network

# Rows at a time, to bound the memory.
_BATCH_ROWS = 65_536
# Below the smallest normal float32, so that a logarithm stays finite.
_MIN_MEAN = 1e-12


@dataclass(frozen=True)
class Blend:
    """A blend of members: scores, divided by the temperature, through softmax or sigmoid, then clipped.

    Attributes
    ----------
    multiclass
        Softmax instead of sigmoids.
    networks
        Networks whose scores are averaged.
    weights
        Weights of the members' probabilities, shape (members,), which sum to 1: instead of networks, their weighted
        mean is taken.
    floor
        Members' probabilities are clipped to ``[floor, 1 - floor]`` before anything else.
    temperature
        Divisor of the scores; above 1 it makes probabilities less confident.
    clip
        Probabilities are at least this, and where outputs are independent at most ``1 - clip``; those of exclusive
        classes are then divided by their sum.
    """

    multiclass: bool
    networks: tuple[Network, ...] = ()
    weights: NDArray[np.floating] | None = None
    floor: float = EPSILON
    temperature: float = 1.0
    clip: float = 0.0

    def compute_scores(self, X: NDArray[np.float32]) -> NDArray[np.floating]:
        """Return scores before the temperature, shape (rows, outputs).

        Parameters
        ----------
        X
            Log-odds, shape (rows, members * outputs).
        """
        starts = range(0, max(len(X), 1), _BATCH_ROWS)
        return np.concatenate([self._compute_batch(X[first : first + _BATCH_ROWS]) for first in starts])

    def _compute_batch(self, X: NDArray[np.float32]) -> NDArray[np.floating]:
        X = clip_log_odds(X, self.floor, multiclass=self.multiclass)
        if self.weights is None:
            return np.asarray(sum(network.compute_scores(X)[0] for network in self.networks) / len(self.networks))
        odds = X.reshape(len(X), len(self.weights), X.shape[1] // len(self.weights)).astype(np.float64)
        mean = np.einsum("rmk,m->rk", np.exp(odds) if self.multiclass else expit(odds), self.weights)
        logs = np.log(np.maximum(mean, _MIN_MEAN))
        return np.asarray(logs if self.multiclass else logs - np.log(np.maximum(1 - mean, _MIN_MEAN)))

    def predict_proba(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return probabilities, shape (rows, outputs), of log-odds of shape (rows, members * outputs)."""
        return self.convert_scores(self.compute_scores(X))

    def convert_scores(self, scores: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the probabilities of the scores of :meth:`compute_scores`."""
        predicted = compute_probabilities(scores / self.temperature, multiclass=self.multiclass)
        return clip_probabilities(predicted, self.clip, multiclass=self.multiclass)


def clip_probabilities(predicted: NDArray[np.float32], clip: float, *, multiclass: bool) -> NDArray[np.float32]:
    """Clip probabilities to ``[clip, 1 - clip]``; those of exclusive classes are divided by their sum instead."""
    if not clip:
        return predicted
    if not multiclass:
        return np.clip(predicted, np.float32(clip), np.float32(1 - clip))
    bounded = np.maximum(predicted, np.float32(clip))
    return np.asarray(bounded / bounded.sum(axis=1, keepdims=True), np.float32)
