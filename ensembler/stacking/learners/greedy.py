"""The greedy meta-learner: members are added one by one, each as often as it helps."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..blend import Blend
from ..networks import Network, compute_loss_and_error
from .base import HeldOut, MetaLearner, Rows, split_inner_folds

# Bags, and the most choices of each.
BAGS = 20
MAX_STEPS = 50
# Numbers of the input that a bag looks at in each step.
MAX_CELLS = 100_000


class GreedyMetaLearner(MetaLearner):
    """Ensemble selection with replacement, bagged.

    Each bag chooses by rows drawn with replacement: it begins with the best member, and goes on adding the one that
    makes the mean of log-odds better, until none does. A member's weight is the share of choices that fell on it
    (Caruana et al., Ensemble selection from libraries of models, ICML 2004). They draw members for each bag, as they
    have thousands; of a few, who is drawn would weigh more than who is good.

    Parameters
    ----------
    multiclass
        True for one class a row (softmax), False for independent outputs (sigmoid).
    bags
        How many selections are averaged.
    random_state
        Of the bags.

    Attributes
    ----------
    weights_
        Of the members, shape (members,); they sum to 1.
    """

    def __init__(self, *, multiclass: bool, bags: int = BAGS, random_state: int = 0) -> None:
        self.multiclass = multiclass
        self.bags = bags
        self.random_state = random_state

    def fit(self, X: NDArray[np.float32], Y: NDArray[np.float32], folds: Rows) -> Self:
        """See :meth:`.MetaLearner.fit`."""
        rows = [np.zeros(0, np.int64)]
        scores: list[NDArray[np.floating]] = [np.zeros((0, Y.shape[1]))]
        for train, held_out in split_inner_folds(X, folds):
            inner = _build_blend(self._fit_weights(X[train], Y[train]), Y.shape[1], multiclass=self.multiclass)
            rows.append(held_out)
            scores.append(inner.compute_scores(X[held_out]))
        self.held_out_ = HeldOut(np.concatenate(rows), np.concatenate(scores))
        self.weights_ = self._fit_weights(X, Y)
        self.blend_ = _build_blend(self.weights_, Y.shape[1], multiclass=self.multiclass)
        return self

    def _fit_weights(self, X: NDArray[np.float32], Y: NDArray[np.float32]) -> NDArray[np.float64]:
        return fit_greedy_weights(X, Y, multiclass=self.multiclass, bags=self.bags, seed=self.random_state)


def fit_greedy_weights(
    X: NDArray[np.float32], Y: NDArray[np.float32], *, multiclass: bool, bags: int = BAGS, seed: int = 0
) -> NDArray[np.float64]:
    """Return the members' weights of :class:`GreedyMetaLearner`, shape (members,)."""
    members = X.shape[1] // Y.shape[1]
    random = np.random.default_rng(seed)
    counts: NDArray[np.float64] = np.zeros(members)
    for _ in range(bags):
        rows = np.sort(random.integers(len(X), size=min(len(X), MAX_CELLS // X.shape[1])))
        by_member = np.ascontiguousarray(X[rows].reshape(len(rows), members, Y.shape[1]).transpose(1, 0, 2))
        chosen = _count_choices(by_member, Y[rows], multiclass=multiclass)
        counts += chosen / chosen.sum()
    return np.asarray(counts / counts.sum())


def _count_choices(
    members: NDArray[np.float32], targets: NDArray[np.float32], *, multiclass: bool
) -> NDArray[np.float64]:
    """How often each member is chosen; ``members`` has the shape (members, rows, outputs)."""
    counts = np.zeros(len(members))
    total = np.zeros(members.shape[1:], np.float32)
    best = np.inf
    for step in range(1, MAX_STEPS + 1):
        losses = [
            compute_loss_and_error((total + one) / np.float32(step), targets, multiclass=multiclass)[0]
            for one in members
        ]
        choice = int(np.argmin(losses))
        if losses[choice] >= best:
            break
        best = losses[choice]
        counts[choice] += 1
        total += members[choice]
    return counts


def _build_blend(weights: NDArray[np.float64], outputs: int, *, multiclass: bool) -> Blend:
    return Blend(multiclass, (Network(weights, np.zeros(outputs)),))
