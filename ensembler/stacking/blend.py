"""What a meta-learner comes to, however it was found: log-odds of members in, probabilities out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..heads.linear import probabilities
from .log_odds import CLIP, limited
from .networks import Network

# Rows at a time, to bound the memory.
_AT_ONCE = 65_536
# Below the smallest normal float32, so that a logarithm stays finite.
_TINY = 1e-12


@dataclass(frozen=True)
class Blend:
    """Members put together: scores, divided by the temperature, through softmax or sigmoid, then clipped.

    Attributes
    ----------
    exclusive
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

    exclusive: bool
    networks: tuple[Network, ...] = ()
    weights: NDArray[np.floating] | None = None
    floor: float = CLIP
    temperature: float = 1.0
    clip: float = 0.0

    def calibrated(self, temperature: float, clip: float) -> Blend:
        """Return it with another temperature and clip."""
        return replace(self, temperature=temperature, clip=clip)

    def scores(self, X: NDArray[np.float32]) -> NDArray[np.floating]:
        """Scores before the temperature, shape (rows, outputs), of log-odds of shape (rows, members * outputs)."""
        parts = [self._scores(X[first : first + _AT_ONCE]) for first in range(0, max(len(X), 1), _AT_ONCE)]
        return np.concatenate(parts)

    def _scores(self, X: NDArray[np.float32]) -> NDArray[np.floating]:
        X = limited(X, self.floor, exclusive=self.exclusive)
        if self.weights is None:
            total = sum(network.scores(X)[0] for network in self.networks)
            return np.asarray(total / len(self.networks))
        odds = X.reshape(len(X), len(self.weights), X.shape[1] // len(self.weights)).astype(np.float64)
        each = np.exp(odds) if self.exclusive else 1 / (1 + np.exp(-odds))
        mean = np.einsum("rmk,m->rk", each, self.weights)
        logs = np.log(np.maximum(mean, _TINY))
        return np.asarray(logs if self.exclusive else logs - np.log(np.maximum(1 - mean, _TINY)))

    def predict(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities, shape (rows, outputs), of log-odds of shape (rows, members * outputs)."""
        return self.from_scores(self.scores(X))

    def from_scores(self, scores: NDArray[np.floating]) -> NDArray[np.float32]:
        """Probabilities of what :meth:`scores` gave."""
        given = probabilities(scores / self.temperature, exclusive=self.exclusive)
        return clipped(given, self.clip, exclusive=self.exclusive)


def clipped(given: NDArray[np.float32], clip: float, *, exclusive: bool) -> NDArray[np.float32]:
    """Hold probabilities off certainty by ``clip``; those of exclusive classes sum to 1 again."""
    if not clip:
        return given
    if not exclusive:
        return np.clip(given, np.float32(clip), np.float32(1 - clip))
    held = np.maximum(given, np.float32(clip))
    return np.asarray(held / held.sum(axis=1, keepdims=True), np.float32)
