"""Photos unlike all others, by frozen features or by predictions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...progress import Progress

# Photos with which all are compared, at random, and photos that are compared in one step.
MAX_REFERENCES, STEP = 10_000, 2_000
# Neighbours of a photo. Score below which a photo is odd, in medians of all scores: both as in cleanlab's Datalab.
NEIGHBOURS, THRESHOLD = 10, 0.37037
# Share of the largest entropy above which a photo is odd where only predictions are known.
UNCERTAIN = 0.95


def score_by_features(features: NDArray[np.floating], progress: Progress) -> NDArray[np.float64]:
    """Return how typical each photo is, from 0 to 1, by the distance from its nearest neighbours.

    The method is that of Kuan & Mueller (Back to the Basics: Revisiting Out-of-Distribution Detection Baselines, ICML
    workshop on principles of distribution shift, 2022).

    Parameters
    ----------
    features
        Frozen features, shape (photos, width).
    """
    from cleanlab.outlier import OutOfDistribution

    count = len(features)
    if count <= NEIGHBOURS:
        return np.ones(count)
    random = np.random.default_rng(0)
    chosen = np.sort(random.permutation(count)[:MAX_REFERENCES])
    measure = OutOfDistribution({"k": NEIGHBOURS})
    scores = np.empty(count)
    scores[chosen] = measure.fit_score(features=np.asarray(features[chosen], np.float32), verbose=False)
    others = np.setdiff1d(np.arange(count), chosen)
    parts = [others[start : start + STEP] for start in range(0, len(others), STEP)]
    for part in progress.track(parts, "odd photos", len(parts)):
        scores[part] = measure.score(features=np.asarray(features[part], np.float32))
    return scores


def choose_odd(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the numbers of the odd photos, the oddest first, by scores of :func:`score_by_features`."""
    order = np.argsort(scores, kind="stable")
    return order[scores[order] < THRESHOLD * np.median(scores)]


def choose_uncertain(probabilities: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return the numbers of the photos of which no class is more probable than others, the least certain first.

    Parameters
    ----------
    probabilities
        Out-of-fold probabilities, shape (photos, outputs). The mean of the outputs' entropies counts if they are not
        exclusive.
    """
    entropy = measure_entropy(probabilities)
    order = np.argsort(-entropy, kind="stable")
    return order[entropy[order] >= UNCERTAIN]


def measure_entropy(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the entropy of each photo as a share of the largest possible one."""
    shares = np.clip(probabilities.astype(np.float64), 1e-12, 1.0)
    exclusive = shares.shape[1] > 1 and bool(np.allclose(probabilities.sum(axis=1), 1, atol=1e-3))
    if exclusive:
        return np.asarray(-(shares * np.log(shares)).sum(axis=1) / np.log(shares.shape[1]))
    rest = np.clip(1 - shares, 1e-12, 1.0)
    return np.asarray(-(shares * np.log2(shares) + rest * np.log2(rest)).mean(axis=1))
