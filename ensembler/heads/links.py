"""From scores to probabilities, and from the probabilities of members to log-odds, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Members' probabilities are held off 0 and 1 by this before their logarithm is taken: beyond it float32 has no
# digits left, and one overconfident member could outshout all others.
EPSILON = 1e-6


def compute_log_odds(members: Sequence[NDArray[np.float32]], *, multiclass: bool) -> NDArray[np.float32]:
    """Log-odds of the members' probabilities side by side, shape (rows, members * outputs), in the members' order.

    Of exclusive classes, whose odds are against each other, it is the logarithm: what they have in common is lost in
    the softmax.
    """
    clipped = np.clip(np.concatenate(members, axis=1), np.float32(EPSILON), np.float32(1 - EPSILON))
    return np.log(clipped) if multiclass else np.log(clipped) - np.log(np.float32(1) - clipped)


def clip_log_odds(odds: NDArray[np.float32], floor: float, *, multiclass: bool) -> NDArray[np.float32]:
    """Return log-odds as if probabilities had been held off 0 and 1 by ``floor``."""
    if floor <= EPSILON:
        return odds
    low, high = (
        (np.log(floor), np.log(1 - floor))
        if multiclass
        else (np.log(floor / (1 - floor)), -np.log(floor / (1 - floor)))
    )
    return np.clip(odds, np.float32(low), np.float32(high))


def find_columns(members: Sequence[int], outputs: int) -> NDArray[np.int64]:
    """Return the columns of :func:`compute_log_odds` that belong to some members, by their numbers."""
    return (np.array(members, np.int64)[:, None] * outputs + np.arange(outputs)).ravel()


def compute_probabilities(scores: NDArray[Any], *, multiclass: bool) -> NDArray[np.float32]:
    """Softmax over the last axis, or a sigmoid of each score, in float32."""
    scores = np.asarray(scores, dtype=np.float32)
    if multiclass:
        powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True), dtype=np.float32)
    small = np.exp(-np.abs(scores))
    return np.asarray(np.where(scores >= 0, 1 / (1 + small), small / (1 + small)), dtype=np.float32)
