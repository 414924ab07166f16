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

from ..competition.metrics.metrics import compute_row_losses
from ..heads.links import compute_probabilities, find_columns
from .learners.base import MetaLearner, Rows, sample_rows, select_first_repeat

# Subsets that are all tried; of more, members are added one by one.
MAX_SUBSETS = 300
# Numbers of a member's predictions beyond which rows are left out of the choice, since a choice among subsets needs
# less exactness than a score.
MAX_CELLS = 200_000
# Of each weight around the plain mean, against the summed log loss.
WEIGHT_PENALTY = 1.0

FloatArray = NDArray[np.float64]
Odds = Sequence[NDArray[np.float32]]


class SubsetMetaLearner(MetaLearner):
    """A meta-learner on the best subset of members.

    The choice is a part of the fit, so nested folds score it too.

    Parameters
    ----------
    learner
        Cloned and fitted on the chosen members.
    multiclass
        One class a row.
    size
        How many members; None for any number.
    costs, max_cost
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
        multiclass: bool,
        size: int | None = None,
        costs: tuple[float, ...] = (),
        max_cost: float = np.inf,
    ) -> None:
        self.learner = learner
        self.multiclass = multiclass
        self.size = size
        self.costs = costs
        self.max_cost = max_cost

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
        rows = sample_rows(len(X), max(1, MAX_CELLS // outputs))
        odds = [X[rows][:, find_columns([member], outputs)] for member in range(members)]
        inner = select_first_repeat(folds)[rows]
        self.members_ = find_best_subset(
            lambda chosen: float(
                compute_held_out_losses(
                    [odds[one] for one in chosen], Y[rows], inner, multiclass=self.multiclass
                ).mean()
            ),
            members,
            lambda chosen: len(chosen) <= (self.size or members) and sum(costs[one] for one in chosen) <= self.max_cost,
            self.size,
        )
        self.learner_: MetaLearner = clone(self.learner).fit(X[:, find_columns(self.members_, outputs)], Y, folds)
        self._outputs = outputs
        self.blend_, self.held_out_ = self.learner_.blend_, self.learner_.held_out_
        return self

    def predict_proba(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities of shape (rows, outputs); ``X`` has all members."""
        check_is_fitted(self)
        return self.learner_.predict_proba(self._select_columns(X))

    def predict_uncalibrated(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        """See :meth:`.MetaLearner.predict_uncalibrated`."""
        return self.learner_.predict_uncalibrated(self._select_columns(X))

    def _select_columns(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        return X[:, find_columns(self.members_, self._outputs)]

    def clone_with_chosen_settings(self) -> MetaLearner:
        """See :meth:`.MetaLearner.clone_with_chosen_settings`; of the chosen members."""
        return self.learner_.clone_with_chosen_settings()


def find_best_subset(
    loss: Callable[[tuple[int, ...]], float],
    members: int,
    is_allowed: Callable[[tuple[int, ...]], bool],
    size: int | None = None,
) -> tuple[int, ...]:
    """Find the subset of the lowest loss: among all, or where they are many by adding members one by one.

    Parameters
    ----------
    loss
        Of a subset, members being numbered from 0.
    members
        How many there are.
    is_allowed
        Whether a subset may be chosen; parts of what may be chosen may be chosen too.
    size
        How many members it must have; None for any number.

    Raises
    ------
    ValueError
        If none is allowed.
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
    """Give ever larger subsets, each with the member more that helps most, as long as any is allowed."""
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
    """Log loss of each row by members' weights from zero up that were fitted on the other folds.

    Parameters
    ----------
    odds
        Log-odds of each member, shape (rows, outputs) each.
    targets, folds
        Of the rows: shapes (rows, outputs) and (rows,). With one fold, weights are those of the plain mean.
    multiclass
        One class a row.
    """
    numbers = np.unique(folds)
    if len(numbers) < 2:
        plain = compute_probabilities(_compute_weighted_sum(_make_equal_weights(odds), odds), multiclass=multiclass)
        return compute_row_losses(targets, plain, multiclass=multiclass)
    losses = np.empty(len(targets))
    # L-BFGS solves systems of as many unknowns as there are members: BLAS's threads would mostly wait for each other.
    with threadpool_limits(1, user_api="blas"):
        for fold in numbers:
            train, held_out = folds != fold, folds == fold
            weights = _fit_weights([one[train] for one in odds], targets[train], multiclass=multiclass)
            predicted = compute_probabilities(
                _compute_weighted_sum(weights, [one[held_out] for one in odds]), multiclass=multiclass
            )
            losses[held_out] = compute_row_losses(targets[held_out], predicted, multiclass=multiclass)
    return losses


def _make_equal_weights(odds: Odds) -> FloatArray:
    return np.full(len(odds), 1 / len(odds))


def _compute_weighted_sum(weights: FloatArray, odds: Odds) -> NDArray[np.floating]:
    return np.asarray(sum(weight * one for weight, one in zip(weights, odds, strict=True)))


def _fit_weights(odds: Odds, targets: NDArray[np.float32], *, multiclass: bool) -> FloatArray:
    """Fit weights from zero up that minimise the log loss."""
    start = _make_equal_weights(odds)

    def compute_cost(weights: FloatArray) -> tuple[float, FloatArray]:
        predicted = compute_probabilities(_compute_weighted_sum(weights, odds), multiclass=multiclass)
        # As the metric counts: independent outputs are averaged.
        share = 1 if multiclass else 1 / targets.shape[1]
        error = (predicted - targets) * share
        loss = float(compute_row_losses(targets, predicted, multiclass=multiclass).sum())
        gradient = np.array([float((error * one).sum(dtype=np.float64)) for one in odds])
        offset = weights - start
        return loss + WEIGHT_PENALTY / 2 * float(offset @ offset), gradient + WEIGHT_PENALTY * offset

    return np.asarray(minimize(compute_cost, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(odds)).x)
