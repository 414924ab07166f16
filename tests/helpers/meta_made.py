"""Synthetic members for meta-learners: the true scores plus noise of each member."""

from __future__ import annotations

import numpy as np

from ensembler.heads.links import choose_classes, compute_probabilities


def made_members(
    classes: int, noises: tuple[float, ...], rows: int = 600, seed: int = 0, *, scale: float = 2.0, junk: int = 0
) -> tuple[list[np.ndarray], np.ndarray]:
    """Return members' probabilities and targets, with one output if ``classes`` is 1. ``junk`` members are noise."""
    random = np.random.default_rng(seed)
    scores = random.normal(0, scale, (rows, classes))
    exclusive = classes > 1
    if exclusive:
        targets = np.eye(classes, dtype=np.float32)[(scores + random.gumbel(size=scores.shape)).argmax(axis=1)]
    else:
        targets = (random.random((rows, 1)) < compute_probabilities(scores, multiclass=False)).astype(np.float32)
    seen = [scores + random.normal(0, noise, scores.shape) for noise in noises]
    seen += [random.normal(0, 2, scores.shape) for _ in range(junk)]
    return [compute_probabilities(one, multiclass=exclusive) for one in seen], targets


def made_tags(rows: int = 400, seed: int = 0) -> tuple[list[np.ndarray], np.ndarray]:
    """Return two members' probabilities of three tags, and the tags."""
    random = np.random.default_rng(seed)
    scores = random.normal(0, 2, (rows, 3))
    targets = (random.random(scores.shape) < compute_probabilities(scores, multiclass=False)).astype(np.float32)
    seen = [compute_probabilities(scores + random.normal(0, noise, scores.shape), multiclass=False) for noise in (1, 2)]
    return seen, targets


def labels_of(targets: np.ndarray) -> np.ndarray:
    """Return the class of each row of targets with one column or one column per class."""
    return choose_classes(targets, multiclass=targets.shape[1] > 1)
