"""The logistic meta-learner: one weight a member, and where there are many rows one for each pair of outputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..blend import Blend
from ..networks import Network, Penalties, fit_network
from .base import Cost, MetaLearner, Rows, sample_rows
from .greedy import fit_greedy_start

# Penalties on the members' weights alone, the strongest first.
SKIP_PENALTIES = (Penalties(100.0), Penalties(10.0))
# Penalties with a weight from each member's output to each output too.
FULL_PENALTIES = (Penalties(100.0, 100.0), Penalties(100.0, 10.0))
# Weights beyond which a full kernel is not tried: it would take longer than all else, and overfit.
MAX_WEIGHTS = 20_000
MAX_ITERATIONS = 200
# Numbers of the input that it learns from.
MAX_CELLS = 5_000_000


class LogisticMetaLearner(MetaLearner):
    """Logistic regression on the members' log-odds, its weights penalised for leaving those of greedy selection.

    Parameters
    ----------
    non_negative
        Whether members' weights are at least zero, and the same for all outputs (Breiman, Stacked regressions, Machine
        Learning 24, 1996).
    cost
        Cost that the penalty is chosen by; None for log loss.
    settings
        Penalties to choose from, the strongest first; None for those that fit the number of outputs.

    Attributes
    ----------
    penalties_
        The chosen penalties.
    """

    def __init__(
        self,
        *,
        non_negative: bool = False,
        cost: Cost | None = None,
        settings: tuple[Penalties, ...] | None = None,
    ) -> None:
        self.non_negative = non_negative
        self.cost = cost
        self.settings = settings

    def _fit(self, X: NDArray[np.float32], Y: NDArray[np.float32], folds: Rows) -> None:
        tries_full = not self.non_negative and Y.shape[1] > 1 and X.shape[1] * Y.shape[1] <= MAX_WEIGHTS
        settings = self.settings or (SKIP_PENALTIES + FULL_PENALTIES if tries_full else SKIP_PENALTIES)
        self.penalties_ = self._choose_setting(X, Y, folds, settings, self.cost)
        rows = sample_rows(len(X), MAX_CELLS // X.shape[1])
        self.blend_ = Blend(self.multiclass_, tuple(self._fit_networks(X[rows], Y[rows], [self.penalties_])))

    def clone_with_chosen_settings(self) -> MetaLearner:
        """See :meth:`.MetaLearner.clone_with_chosen_settings`."""
        return LogisticMetaLearner(non_negative=self.non_negative, settings=(self.penalties_,))

    def _score_settings(
        self,
        X: NDArray[np.float32],
        Y: NDArray[np.float32],
        held_out: NDArray[np.float32],
        settings: Sequence[Penalties],
    ) -> list[NDArray[np.floating]]:
        return [network.compute_scores(held_out)[0] for network in self._fit_networks(X, Y, settings)]

    def _fit_networks(
        self, X: NDArray[np.float32], Y: NDArray[np.float32], settings: Sequence[Penalties]
    ) -> list[Network]:
        plain = fit_greedy_start(X, Y, multiclass=self.multiclass_)
        return [
            fit_network(
                X,
                Y,
                Network.build_start(plain, ()) if penalties.kernels else plain,
                penalties,
                multiclass=self.multiclass_,
                iterations=MAX_ITERATIONS,
                non_negative=self.non_negative,
            )
            for penalties in settings
        ]
