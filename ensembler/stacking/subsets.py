"""The best few of many members: those whose weighted geometric mean has the lowest log loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from math import comb
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from ..competition.metrics.metrics import row_losses
from ..heads.linear import probabilities
from .learners.base import MetaLearner, Rows, first_repeat, some_rows
from .log_odds import columns_of

# Subsets that are all tried; of more, members are added one by one.
MOST_SUBSETS = 300
# Numbers of a member's predictions beyond which rows are left out of the choice, since a choice among subsets needs
# less exactness than a score.
CELLS = 200_000
# Of each weight around the plain mean, against the summed log loss.
PENALTY = 1.0

Float = NDArray[np.float64]
Odds = Sequence[NDArray[np.float32]]


class SubsetMetaLearner(MetaLearner):
    """A meta-learner on the best subset of members.

    The choice is a part of the fit, so nested folds score it too.

    Parameters
    ----------
    learner
        Cloned and fitted on the chosen members.
    exclusive
        One class a row.
    size
        How many members; None for any number.
    costs, limit
        What each member costs, and the most that all chosen ones may cost together, in the same unit.

    Attributes
    ----------
    members_
        Numbers of the chosen ones, ascending.
    learner_
        The fitted one.
    """

    def __init__(
        self,
        learner: MetaLearner,
        *,
        exclusive: bool,
        size: int | None = None,
        costs: tuple[float, ...] = (),
        limit: float = np.inf,
    ) -> None:
        self.learner = learner
        self.exclusive = exclusive
        self.size = size
        self.costs = costs
        self.limit = limit

    def fit(self, X: NDArray[np.float32], Y: NDArray[np.float32], folds: Rows) -> Self:
        """See :meth:`.MetaLearner.fit`.

        Raises
        ------
        ValueError
            If no subset keeps within the limit.
        """
        outputs = Y.shape[1]
        members = X.shape[1] // outputs
        costs = self.costs or (0.0,) * members
        # Folds are asked of the same rows for each subset.
        rows = some_rows(len(X), max(1, CELLS // outputs))
        odds = [X[rows][:, columns_of([member], outputs)] for member in range(members)]
        inner = first_repeat(folds)[rows]
        self.members_ = best_subset(
            lambda chosen: float(
                held_out_losses([odds[one] for one in chosen], Y[rows], inner, exclusive=self.exclusive).mean()
            ),
            members,
            lambda chosen: len(chosen) <= (self.size or members) and sum(costs[one] for one in chosen) <= self.limit,
            self.size,
        )
        self.learner_: MetaLearner = clone(self.learner).fit(X[:, columns_of(self.members_, outputs)], Y, folds)
        self._outputs = outputs
        self.blend_, self.held_out_ = self.learner_.blend_, self.learner_.held_out_
        return self

    def predict_proba(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities of shape (rows, outputs); ``X`` has all members."""
        check_is_fitted(self)
        return self.learner_.predict_proba(self._own(X))

    def predict_uncalibrated(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        """See :meth:`.MetaLearner.predict_uncalibrated`."""
        return self.learner_.predict_uncalibrated(self._own(X))

    def _own(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        return X[:, columns_of(self.members_, self._outputs)]

    def settled(self) -> MetaLearner:
        """See :meth:`.MetaLearner.settled`; of the chosen members."""
        return self.learner_.settled()


def best_subset(
    loss: Callable[[tuple[int, ...]], float],
    members: int,
    allowed: Callable[[tuple[int, ...]], bool],
    size: int | None = None,
) -> tuple[int, ...]:
    """Find the subset of the lowest loss: among all, or where they are many by adding members one by one.

    Parameters
    ----------
    loss
        Of a subset, members being numbered from 0.
    members
        How many there are.
    allowed
        Whether a subset may be chosen; parts of what may be chosen may be chosen too.
    size
        How many members it must have; None for any number.

    Raises
    ------
    ValueError
        If none is allowed.
    """
    sizes = [size] if size else list(range(1, members + 1))
    if sum(comb(members, one) for one in sizes) <= MOST_SUBSETS:
        subsets = [chosen for one in sizes for chosen in combinations(range(members), one) if allowed(chosen)]
        return min(subsets, key=loss)
    steps = list(_added_one_by_one(loss, members, lambda chosen: len(chosen) <= sizes[-1] and allowed(chosen)))
    return steps[-1] if size else min(steps, key=loss)


def _added_one_by_one(
    loss: Callable[[tuple[int, ...]], float], members: int, allowed: Callable[[tuple[int, ...]], bool]
) -> Iterator[tuple[int, ...]]:
    """Give ever larger subsets, each with the member more that helps most, as long as any is allowed."""
    chosen: tuple[int, ...] = ()
    while True:
        grown = [tuple(sorted((*chosen, one))) for one in range(members) if one not in chosen]
        grown = [one for one in grown if allowed(one)]
        if not grown:
            if not chosen:
                raise ValueError("No subset is allowed.")
            return
        chosen = min(grown, key=loss)
        yield chosen


def held_out_losses(odds: Odds, targets: NDArray[np.float32], folds: Rows, *, exclusive: bool) -> Float:
    """Log loss of each row by members' weights from zero up that were fitted on the other folds.

    Parameters
    ----------
    odds
        Log-odds of each member, shape (rows, outputs) each.
    targets, folds
        Of the rows: shapes (rows, outputs) and (rows,). With one fold, weights are those of the plain mean.
    exclusive
        One class a row.
    """
    numbers = np.unique(folds)
    if len(numbers) < 2:
        plain = probabilities(_weighted(_plain(odds), odds), exclusive=exclusive)
        return row_losses(targets, plain, exclusive=exclusive)
    losses = np.empty(len(targets))
    # L-BFGS solves systems of as many unknowns as there are members: BLAS's threads would mostly wait for each other.
    with threadpool_limits(1, user_api="blas"):
        for fold in numbers:
            learned, held_out = folds != fold, folds == fold
            weights = _weights([one[learned] for one in odds], targets[learned], exclusive=exclusive)
            predicted = probabilities(_weighted(weights, [one[held_out] for one in odds]), exclusive=exclusive)
            losses[held_out] = row_losses(targets[held_out], predicted, exclusive=exclusive)
    return losses


def _plain(odds: Odds) -> Float:
    return np.full(len(odds), 1 / len(odds))


def _weighted(weights: Float, odds: Odds) -> NDArray[np.floating]:
    return np.asarray(sum(weight * one for weight, one in zip(weights, odds, strict=True)))


def _weights(odds: Odds, targets: NDArray[np.float32], *, exclusive: bool) -> Float:
    """Fit weights from zero up that minimise the log loss."""
    start = _plain(odds)

    def cost(weights: Float) -> tuple[float, Float]:
        predicted = probabilities(_weighted(weights, odds), exclusive=exclusive)
        # As the metric counts: independent outputs are averaged.
        share = 1 if exclusive else 1 / targets.shape[1]
        error = (predicted - targets) * share
        loss = float(row_losses(targets, predicted, exclusive=exclusive).sum())
        gradient = np.array([float((error * one).sum(dtype=np.float64)) for one in odds])
        apart = weights - start
        return loss + PENALTY / 2 * float(apart @ apart), gradient + PENALTY * apart

    return np.asarray(minimize(cost, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(odds)).x)
