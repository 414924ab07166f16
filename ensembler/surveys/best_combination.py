"""The combination of a few backbones whose stacked heads have the lowest log loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..competition.metrics.metrics import compute_row_losses
from ..heads.links import compute_log_odds
from ..stacking.learners.base import sample_rows
from ..stacking.subsets import MAX_CELLS, compute_held_out_losses, find_best_subset

# Number of the best single backbones that are combined: a few hundred trios.
MAX_BACKBONES = 12

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Combination:
    """Stacked backbones, and the log loss of each row by weights that were fitted on the other folds."""

    names: tuple[str, ...]
    losses: FloatArray

    @property
    def log_loss(self) -> float:
        """Mean log loss."""
        return float(self.losses.mean())


def find_best_combination(
    members: Mapping[str, NDArray[np.float32]],
    targets: NDArray[np.float32],
    folds: NDArray[np.int64],
    *,
    multiclass: bool,
    size: int = 3,
    raise_if_stopping: Callable[[], None] = lambda: None,
) -> Combination | None:
    """Find the backbones whose weighted geometric mean has the lowest log loss, by nested folds.

    Parameters
    ----------
    members
        Out-of-fold probabilities by name, shape (rows, outputs) each.
    targets, folds
        Targets and folds of the rows, shapes (rows, outputs) and (rows,).
    multiclass
        Whether a row has one class.
    size
        Number of backbones.
    raise_if_stopping
        Function called before each combination. It may raise an exception to stop.

    Returns
    -------
    Combination or None
        None with fewer than ``size`` members, or with one fold.
    """
    if len(members) < size or len(np.unique(folds)) < 2:
        return None
    singles = {
        name: float(compute_row_losses(targets, one, multiclass=multiclass).mean()) for name, one in members.items()
    }
    names = sorted(singles, key=lambda name: singles[name])[:MAX_BACKBONES]
    odds = [compute_log_odds([members[name]], multiclass=multiclass) for name in names]
    sampled = sample_rows(len(targets), max(1, MAX_CELLS // targets.shape[1]))

    def compute_loss(chosen: tuple[int, ...]) -> float:
        raise_if_stopping()
        sampled_odds = [odds[one][sampled] for one in chosen]
        return float(
            compute_held_out_losses(sampled_odds, targets[sampled], folds[sampled], multiclass=multiclass).mean()
        )

    best = find_best_subset(compute_loss, len(names), lambda _: True, size)
    losses = compute_held_out_losses([odds[one] for one in best], targets, folds, multiclass=multiclass)
    return Combination(tuple(names[one] for one in best), losses)
