"""The best few of many members: those whose weighted geometric mean has the lowest log loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from ..competition.metrics.metrics import compute_row_losses
from ..heads.links import compute_probabilities, find_columns
from .learners.base import MetaLearner, Rows, fit_on_targets, sample_rows, select_first_repeat

# Up to so many subsets are all tried; of more, members are added one by one.
MAX_SUBSETS = 300
# Numbers of a member's predictions beyond which rows are left out of the choice, since a choice among subsets needs
# less precision than a score.
MAX_CELLS = 200_000
# L2 penalty on the distance of each weight from the plain mean, against the summed log loss.
WEIGHT_PENALTY = 1.0

FloatArray = NDArray[np.float64]
Odds = Sequence[NDArray[np.float32]]


class SubsetMetaLearner(MetaLearner):
    """A meta-learner on the best subset of members.

    The choice is a part of the fit, so nested folds score it too.

    Parameters
    ----------
    learner
        Meta-learner that is cloned and fitted on the chosen members.
    size
        Number of members; None for any.
    costs, max_cost
        Cost of each member, and the most that all chosen ones may cost together, in the same unit.

    Attributes
    ----------
    members_
        Numbers of the chosen members, ascending.
    learner_
        The fitted meta-learner; its classes are the numbers of ``classes_``.
    """

    def __init__(
        self,
        learner: MetaLearner,
        *,
        size: int | None = None,
        costs: tuple[float, ...] = (),
        max_cost: float = np.inf,
    ) -> None:
        self.learner = learner
        self.size = size
        self.costs = costs
        self.max_cost = max_cost

    def _fit(self, X: NDArray[np.float32], Y: NDArray[np.float32], folds: Rows) -> None:
        outputs = Y.shape[1]
        members = X.shape[1] // outputs
        costs = self.costs or (0.0,) * members
        # The same rows are used for each subset.
        rows = sample_rows(len(X), max(1, MAX_CELLS // outputs))
        odds = [X[rows][:, find_columns([member], outputs)] for member in range(members)]
        inner = select_first_repeat(folds)[rows]

        def compute_loss(chosen: tuple[int, ...]) -> float:
            of_chosen = [odds[one] for one in chosen]
            return float(compute_held_out_losses(of_chosen, Y[rows], inner, multiclass=self.multiclass_).mean())

        self.members_ = find_best_subset(
            compute_loss,
            members,
            lambda chosen: len(chosen) <= (self.size or members) and sum(costs[one] for one in chosen) <= self.max_cost,
            self.size,
        )
        self._columns = find_columns(self.members_, outputs)
        self.learner_ = fit_on_targets(self.learner, X[:, self._columns], Y, folds, multiclass=self.multiclass_)
        self.blend_, self.held_out_ = self.learner_.blend_, self.learner_.held_out_

    def _select_columns(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        return X[:, self._columns]

    def clone_with_chosen_settings(self) -> MetaLearner:
        """See :meth:`.MetaLearner.clone_with_chosen_settings`; the clone is for the chosen members."""
        return self.learner_.clone_with_chosen_settings()


def find_best_subset(
    loss: Callable[[tuple[int, ...]], float],
    members: int,
    is_allowed: Callable[[tuple[int, ...]], bool],
    size: int | None = None,
) -> tuple[int, ...]:
    """Find the subset of the lowest loss: among all subsets, or where these are many by adding members one by one.

    Parameters
    ----------
    loss
        Loss of a subset of members, which are numbered from 0.
    members
        Number of members.
    is_allowed
        Whether a subset may be chosen; every part of an allowed subset is allowed too.
    size
        Number of members that it must have; None for any.

    Raises
    ------
    ValueError
        If no subset is allowed.
    """
    sizes = [size] if size else list(range(1, members + 1))
    if sum(comb(members, one) for one in sizes) <= MAX_SUBSETS:
        subsets = [chosen for one in sizes for chosen in combinations(range(members), one) if is_allowed(chosen)]
        return min(subsets, key=loss)
    steps = list(_add_one_by_one(loss, members, lambda chosen: len(chosen) <= sizes[-1] and is_allowed(chosen)))
    return steps[-1] if size else min(steps, key=loss)


def _add_one_by_one(
    loss: Callable[[tuple[int, ...]], float], members: int, is_allowed: Callable[[tuple[int, ...]], bool]
) -> Iterator[tuple[int, ...]]:
    """Yield ever larger allowed subsets, each with one more member, the one that helps most."""
    chosen: tuple[int, ...] = ()
    while True:
        grown = [tuple(sorted((*chosen, one))) for one in range(members) if one not in chosen]
        grown = [one for one in grown if is_allowed(one)]
        if not grown:
            if not chosen:
                raise ValueError("No subset is allowed.")
            return
        chosen = min(grown, key=loss)
        yield chosen


def compute_held_out_losses(odds: Odds, targets: NDArray[np.float32], folds: Rows, *, multiclass: bool) -> FloatArray:
    """Return the log loss of each row by members' weights, at least zero, that were fitted on the other folds.

    Parameters
    ----------
    odds
        Log-odds of each member, shape (rows, outputs) each.
    targets
        0 or 1, shape (rows, outputs).
    folds
        Fold of each row, shape (rows,). With one fold, all members have the same weight.
    multiclass
        Whether the outputs are exclusive classes.
    """
    losses, numbers = np.empty(len(targets)), np.unique(folds)
    equal = np.full(len(odds), 1 / len(odds))
    # L-BFGS solves systems of as many unknowns as there are members: BLAS's threads would mostly wait for each other.
    with threadpool_limits(1, user_api="blas"):
        for fold in numbers:
            train, held_out = folds != fold, folds == fold
            weights = equal
            if len(numbers) > 1:
                weights = _fit_weights([one[train] for one in odds], targets[train], equal, multiclass=multiclass)
            predicted = _predict([one[held_out] for one in odds], weights, multiclass=multiclass)
            losses[held_out] = compute_row_losses(targets[held_out], predicted, multiclass=multiclass)
    return losses


def _predict(odds: Odds, weights: FloatArray, *, multiclass: bool) -> NDArray[np.float32]:
    scores = sum(weight * one for weight, one in zip(weights, odds, strict=True))
    return compute_probabilities(np.asarray(scores), multiclass=multiclass)


def _fit_weights(odds: Odds, targets: NDArray[np.float32], start: FloatArray, *, multiclass: bool) -> FloatArray:
    """Fit weights, at least zero, that minimise the log loss."""
    # As the metric counts: independent outputs are averaged.
    share = 1 if multiclass else 1 / targets.shape[1]

    def compute_cost(weights: FloatArray) -> tuple[float, FloatArray]:
        predicted = _predict(odds, weights, multiclass=multiclass)
        error = (predicted - targets) * share
        loss = float(compute_row_losses(targets, predicted, multiclass=multiclass).sum())
        gradient = np.array([float((error * one).sum(dtype=np.float64)) for one in odds])
        offset = weights - start
        return loss + WEIGHT_PENALTY / 2 * float(offset @ offset), gradient + WEIGHT_PENALTY * offset

    return np.asarray(minimize(compute_cost, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(odds)).x)
