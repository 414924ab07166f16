"""The few backbones whose heads are best together, of all that were surveyed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..competition.metrics.metrics import row_losses
from ..stacking.learners.base import some_rows
from ..stacking.log_odds import log_odds
from ..stacking.subsets import CELLS, best_subset, held_out_losses

# Of the best single ones, as many as make a few hundred trios.
MOST = 12

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
    odds = [log_odds([members[name]], exclusive=exclusive) for name in names]
    few = some_rows(len(targets), max(1, CELLS // targets.shape[1]))

    def loss(chosen: tuple[int, ...]) -> float:
        go_on()
        part = [odds[one][few] for one in chosen]
        return float(held_out_losses(part, targets[few], folds[few], exclusive=exclusive).mean())

    best = best_subset(loss, len(names), lambda _: True, size)
    losses = held_out_losses([odds[one] for one in best], targets, folds, exclusive=exclusive)
    return Trio(tuple(names[one] for one in best), losses)
