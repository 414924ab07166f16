"""The choice of the members whose weighted geometric mean has the lowest log loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from ..competition.metrics.metrics import compute_row_losses
from ..heads.blas_threads import limit_blas_threads
from ..heads.links import Float32Array, compute_losses_and_errors, compute_probabilities, find_columns
from .learners.base import MetaLearner, Rows, WrappingMetaLearner, fit_on_targets, sample_rows, select_first_repeat

# Maximum number of subsets that are all tried. Beyond it, members are added one by one.
MAX_SUBSETS = 300
# Maximum number of values of each member. Of more, rows are sampled, because a choice needs less precision than a
# score.
MAX_CELLS = 200_000
# L2 penalty on the distance of each weight from the plain mean, relative to the summed log loss.
WEIGHT_PENALTY = 1.0

FloatArray = NDArray[np.float64]
Odds = Sequence[Float32Array]


class SubsetMetaLearner(WrappingMetaLearner):
    """A meta-learner on the best subset of members.

    The choice is part of the fit, so nested folds score it too.

    Parameters
    ----------
    learner
        Meta-learner that is cloned and fitted on the chosen members.
    size
        Number of members. None allows any number.
    costs, max_cost
        Cost of each member, and maximum total cost of the chosen members in the same unit.

    Attributes
    ----------
    members_
        Numbers of the chosen members, ascending.
    """

    def __init__(
        self, learner: MetaLearner, *, size: int | None = None, costs: tuple[float, ...] = (), max_cost: float = np.inf
    ) -> None:
        self.learner = learner
        self.size = size
        self.costs = costs
        self.max_cost = max_cost

    def _fit(self, X: Float32Array, Y: Float32Array, folds: Rows) -> None:
        outputs = Y.shape[1]
        members = X.shape[1] // outputs
        costs = self.costs or (0.0,) * members
        rows = sample_rows(len(X), max(1, MAX_CELLS // outputs))
        odds = [X[rows][:, find_columns([member], outputs)] for member in range(members)]
        inner = select_first_repeat(folds)[rows]

        def compute_loss(chosen: tuple[int, ...]) -> float:
            chosen_odds = [odds[one] for one in chosen]
            return float(compute_held_out_losses(chosen_odds, Y[rows], inner, multiclass=self.multiclass_).mean())

        def is_affordable(chosen: tuple[int, ...]) -> bool:
            return sum(costs[one] for one in chosen) <= self.max_cost

        self.members_ = find_best_subset(compute_loss, members, is_affordable, self.size)
        self._columns = find_columns(self.members_, outputs)
        self._adopt(fit_on_targets(self.learner, X[:, self._columns], Y, folds, multiclass=self.multiclass_))


def find_best_subset(
    loss: Callable[[tuple[int, ...]], float],
    members: int,
    is_allowed: Callable[[tuple[int, ...]], bool],
    size: int | None = None,
) -> tuple[int, ...]:
    """Find the subset of the lowest loss among all subsets, or by adding members one by one if there are many subsets.

    Parameters
    ----------
    loss
        Function that returns the loss of a subset of members, which are numbered from 0.
    members
        Number of members.
    is_allowed
        Function that returns whether a subset is allowed. Every part of an allowed subset must be allowed too.
    size
        Required number of members. None allows any number.

    Raises
    ------
    ValueError
        If no subset is allowed.
    """
    sizes = [size] if size else list(range(1, members + 1))
    if sum(comb(members, one) for one in sizes) <= MAX_SUBSETS:
        subsets = [chosen for one in sizes for chosen in combinations(range(members), one) if is_allowed(chosen)]
        return min(subsets, key=loss)
    steps: list[tuple[int, ...]] = []
    chosen: tuple[int, ...] = ()
    while len(chosen) < sizes[-1]:
        grown = (tuple(sorted((*chosen, one))) for one in range(members) if one not in chosen)
        if not (allowed := [one for one in grown if is_allowed(one)]):
            break
        chosen = min(allowed, key=loss)
        steps.append(chosen)
    if not steps:
        raise ValueError("No subset is allowed.")
    return chosen if size else min(steps, key=loss)


def compute_held_out_losses(odds: Odds, targets: Float32Array, folds: Rows, *, multiclass: bool) -> FloatArray:
    """Return the log loss of each row by non-negative members' weights that were fitted on the other folds.

    Parameters
    ----------
    odds
        Log-odds of each member, shape (rows, outputs) each.
    targets
        Targets 0 or 1, shape (rows, outputs).
    folds
        Fold of each row, shape (rows,). With one fold, all members have equal weights.
    multiclass
        Whether the outputs are exclusive classes.
    """
    losses, numbers = np.empty(len(targets)), np.unique(folds)
    equal = np.full(len(odds), 1 / len(odds))
    # L-BFGS solves systems as small as the number of members, for which threads of BLAS are slower.
    with limit_blas_threads(1):
        for fold in numbers:
            train, held_out = folds != fold, folds == fold
            weights = equal
            if len(numbers) > 1:
                weights = _fit_weights([one[train] for one in odds], targets[train], equal, multiclass=multiclass)
            predicted = _predict([one[held_out] for one in odds], weights, multiclass=multiclass)
            losses[held_out] = compute_row_losses(targets[held_out], predicted, multiclass=multiclass)
    return losses


def _predict(odds: Odds, weights: FloatArray, *, multiclass: bool) -> Float32Array:
    scores = sum(weight * one for weight, one in zip(weights, odds, strict=True))
    return compute_probabilities(np.asarray(scores), multiclass=multiclass)


def _fit_weights(odds: Odds, targets: Float32Array, start: FloatArray, *, multiclass: bool) -> FloatArray:
    """Fit the non-negative weights that minimise the log loss."""
    # The log loss of independent outputs is their mean.
    share = 1 if multiclass else 1 / targets.shape[1]
    # In double precision, because rounding errors of the loss let L-BFGS take several times as many steps.
    members, truth = np.stack(odds).astype(np.float64), targets.astype(np.float64)

    def compute_cost(weights: FloatArray) -> tuple[float, FloatArray]:
        scores = np.tensordot(weights, members, 1)
        losses, errors = compute_losses_and_errors(scores, truth, multiclass=multiclass)
        gradient = np.tensordot(members, errors, 2)
        offset = weights - start
        penalty = WEIGHT_PENALTY / 2 * float(offset @ offset)
        return float(losses.sum()) * share + penalty, gradient * share + WEIGHT_PENALTY * offset

    return np.asarray(minimize(compute_cost, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(odds)).x)
