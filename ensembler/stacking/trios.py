"""The few backbones whose heads are best together, of all that were surveyed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from ..competition.metrics.metrics import row_losses
from ..members.linear_head import probabilities
from .meta_learner import log_odds

# Of the best single ones, as many as make a few hundred trios; and numbers of a member's predictions beyond which rows
# are left out of the choice, since a choice among trios needs less exactness than a score.
MOST, CELLS = 12, 200_000
# Of each weight around the plain mean, against the summed log loss.
PENALTY = 1.0

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Trio:
    """Backbones that are stacked.

    Attributes
    ----------
    names
        Of them.
    losses
        Log loss of each row, predicted by weights that were fitted on the other folds.
    """

    names: tuple[str, ...]
    losses: Float

    @property
    def log_loss(self) -> float:
        """Mean log loss."""
        return float(self.losses.mean())


def best_trio(
    members: Mapping[str, NDArray[np.float32]],
    targets: NDArray[np.float32],
    folds: NDArray[np.int64],
    *,
    exclusive: bool,
    size: int = 3,
    go_on: Callable[[], None] = lambda: None,
) -> Trio | None:
    """Find the three whose weighted geometric mean has the lowest log loss, by nested folds.

    Parameters
    ----------
    members
        Out-of-fold probabilities by name, shape (rows, outputs) each.
    targets, folds
        Of the rows: shapes (rows, outputs) and (rows,).
    exclusive
        One class a row.
    size
        How many are put together.
    go_on
        Called before each.

    Returns
    -------
    Trio or None
        None where there are fewer than ``size`` members, or one fold.
    """
    if len(members) < size or len(np.unique(folds)) < 2:
        return None
    singles = {name: float(row_losses(targets, one, exclusive=exclusive).mean()) for name, one in members.items()}
    names = sorted(singles, key=lambda name: singles[name])[:MOST]
    odds = {name: log_odds([members[name]], exclusive=exclusive) for name in names}
    few = _some_rows(len(targets), targets.shape[1])
    found: list[tuple[float, tuple[str, ...]]] = []
    for chosen in combinations(names, size):
        go_on()
        part = [odds[name][few] for name in chosen]
        found.append((float(_nested_losses(part, targets[few], folds[few], exclusive=exclusive).mean()), chosen))
    _, best = min(found)
    return Trio(best, _nested_losses([odds[name] for name in best], targets, folds, exclusive=exclusive))


def _some_rows(rows: int, outputs: int) -> NDArray[np.int64]:
    wanted = max(1, CELLS // outputs)
    return np.arange(rows) if rows <= wanted else np.sort(np.random.default_rng(0).permutation(rows)[:wanted])


def _nested_losses(
    odds: Sequence[NDArray[np.float32]], targets: NDArray[np.float32], folds: NDArray[np.int64], *, exclusive: bool
) -> Float:
    losses = np.empty(len(targets))
    for fold in np.unique(folds):
        learned, held_out = folds != fold, folds == fold
        weights = _weights([one[learned] for one in odds], targets[learned], exclusive=exclusive)
        predicted = probabilities(_weighted(weights, [one[held_out] for one in odds]), exclusive=exclusive)
        losses[held_out] = row_losses(targets[held_out], predicted, exclusive=exclusive)
    return losses


def _weighted(weights: Float, odds: Sequence[NDArray[np.float32]]) -> NDArray[np.floating]:
    return np.asarray(sum(weight * one for weight, one in zip(weights, odds, strict=True)))


def _weights(odds: Sequence[NDArray[np.float32]], targets: NDArray[np.float32], *, exclusive: bool) -> Float:
    """Fit weights from zero up that minimise the log loss."""
    start = np.full(len(odds), 1 / len(odds))

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
