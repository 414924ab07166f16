"""The fitted function of a meta-learner, from the members' log-odds to probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from ..heads.links import EPSILON, Float32Array, FloatArray, clip_log_odds, compute_probabilities
from .networks import Network

# Number of rows that are computed at once, which limits the memory.
_BATCH_ROWS = 65_536
# Below the smallest normal float32, so that a logarithm stays finite.
_MIN_MEAN = 1e-12


@dataclass(frozen=True)
class Blend:
    """A blend of members: scores, divided by the temperature, then softmax or sigmoid, then clipped.

    Attributes
    ----------
    multiclass
        Whether the outputs are exclusive classes (softmax) rather than independent (sigmoid).
    networks
        Networks whose scores are averaged.
    weights
        Weights of the members' probabilities, shape (members,), which sum to 1. They replace the networks by a weighted
        mean.
    floor
        Clip of the members' probabilities to ``[floor, 1 - floor]``, which is applied first.
    temperature
        Divisor of the scores. Values above 1 make probabilities less confident.
    clip
        Clip of the resulting probabilities, see :func:`clip_probabilities`.
    """

    multiclass: bool
    networks: tuple[Network, ...] = ()
    weights: FloatArray | None = None
    floor: float = EPSILON
    temperature: float = 1.0
    clip: float = 0.0

    def compute_scores(self, X: Float32Array) -> FloatArray:
        """Return scores before the temperature, shape (rows, outputs), of log-odds (rows, members * outputs)."""
        starts = range(0, max(len(X), 1), _BATCH_ROWS)
        return np.concatenate([self._compute_batch(X[first : first + _BATCH_ROWS]) for first in starts])

    def _compute_batch(self, X: Float32Array) -> FloatArray:
        X = clip_log_odds(X, self.floor, multiclass=self.multiclass)
        if self.weights is None:
            return np.asarray(sum(network.compute_scores(X)[0] for network in self.networks) / len(self.networks))
        odds = X.reshape(len(X), len(self.weights), X.shape[1] // len(self.weights)).astype(np.float64)
        mean = np.einsum("rmk,m->rk", np.exp(odds) if self.multiclass else expit(odds), self.weights)
        logs = np.log(np.maximum(mean, _MIN_MEAN))
        return np.asarray(logs if self.multiclass else logs - np.log(np.maximum(1 - mean, _MIN_MEAN)))

    def predict_proba(self, X: Float32Array) -> Float32Array:
        """Return probabilities, shape (rows, outputs), of log-odds of shape (rows, members * outputs)."""
        return self.convert_scores(self.compute_scores(X))

    def convert_scores(self, scores: FloatArray) -> Float32Array:
        """Return the probabilities of the scores of :meth:`compute_scores`."""
        predicted = compute_probabilities(scores / self.temperature, multiclass=self.multiclass)
        return clip_probabilities(predicted, self.clip, multiclass=self.multiclass)


def clip_probabilities(predicted: Float32Array, clip: float, *, multiclass: bool) -> Float32Array:
    """Clip probabilities to ``[clip, 1 - clip]``. Exclusive classes have only the lower clip and are normalised."""
    if not clip:
        return predicted
    if not multiclass:
        return np.clip(predicted, np.float32(clip), np.float32(1 - clip))
    bounded = np.maximum(predicted, np.float32(clip))
    return np.asarray(bounded / bounded.sum(axis=1, keepdims=True), np.float32)
