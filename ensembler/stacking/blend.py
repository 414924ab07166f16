"""What a meta-learner comes to, however it was found: log-odds of members in, probabilities out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..heads.links import EPSILON, clip_log_odds, compute_probabilities
from .networks import Network

# Rows at a time, to bound the memory.
_BATCH_ROWS = 65_536
# Below the smallest normal float32, so that a logarithm stays finite.
_MIN_MEAN = 1e-12


@dataclass(frozen=True)
class Blend:
    """Members put together: scores, divided by the temperature, through softmax or sigmoid, then clipped.

    Attributes
    ----------
    multiclass
        Softmax instead of sigmoids.
    networks
        Whose scores are averaged.
    weights
        Instead of networks: of the members' probabilities, whose weighted mean is taken; they sum to 1.
    floor
        Members' probabilities are held off 0 and 1 by so much, before anything else.
    temperature
        Above 1 makes probabilities less certain.
    clip
        Probabilities are held off 0, and where outputs are independent off 1, by so much; those of exclusive classes
        are then divided by their sum.
    """

    multiclass: bool
    networks: tuple[Network, ...] = ()
    weights: NDArray[np.floating] | None = None
    floor: float = EPSILON
    temperature: float = 1.0
    clip: float = 0.0

    def replace_calibration(self, temperature: float, clip: float) -> Blend:
        """Return it with another temperature and clip."""
        return replace(self, temperature=temperature, clip=clip)

    def compute_scores(self, X: NDArray[np.float32]) -> NDArray[np.floating]:
        """Scores before the temperature, shape (rows, outputs), of log-odds of shape (rows, members * outputs)."""
        parts = [
            self._compute_scores(X[first : first + _BATCH_ROWS]) for first in range(0, max(len(X), 1), _BATCH_ROWS)
        ]
        return np.concatenate(parts)

    def _compute_scores(self, X: NDArray[np.float32]) -> NDArray[np.floating]:
        X = clip_log_odds(X, self.floor, multiclass=self.multiclass)
        if self.weights is None:
            total = sum(network.compute_scores(X)[0] for network in self.networks)
            return np.asarray(total / len(self.networks))
        odds = X.reshape(len(X), len(self.weights), X.shape[1] // len(self.weights)).astype(np.float64)
        each = np.exp(odds) if self.multiclass else 1 / (1 + np.exp(-odds))
        mean = np.einsum("rmk,m->rk", each, self.weights)
        logs = np.log(np.maximum(mean, _MIN_MEAN))
        return np.asarray(logs if self.multiclass else logs - np.log(np.maximum(1 - mean, _MIN_MEAN)))

    def predict_proba(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities, shape (rows, outputs), of log-odds of shape (rows, members * outputs)."""
        return self.convert_scores(self.compute_scores(X))

    def convert_scores(self, scores: NDArray[np.floating]) -> NDArray[np.float32]:
        """Probabilities of what :meth:`compute_scores` gave."""
        predicted = compute_probabilities(scores / self.temperature, multiclass=self.multiclass)
        return clip_probabilities(predicted, self.clip, multiclass=self.multiclass)


def clip_probabilities(predicted: NDArray[np.float32], clip: float, *, multiclass: bool) -> NDArray[np.float32]:
    """Hold probabilities off certainty by ``clip``; those of exclusive classes sum to 1 again."""
    if not clip:
        return predicted
    if not multiclass:
        return np.clip(predicted, np.float32(clip), np.float32(1 - clip))
    bounded = np.maximum(predicted, np.float32(clip))
    return np.asarray(bounded / bounded.sum(axis=1, keepdims=True), np.float32)
