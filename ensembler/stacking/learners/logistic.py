"""The logistic meta-learner: one weight a member, and where there are many rows one for each pair of outputs."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..blend import Blend
from ..networks import Network, Penalties, fit_network
from .base import Cost, HeldOut, InnerSplit, MetaLearner, Rows, choose_setting, sample_rows, split_inner_folds
from .starting import fit_greedy_start

# Of the members' weights alone, the strongest first.
SKIP_PENALTIES = (Penalties(100.0), Penalties(10.0))
# With a weight from each member's output to each output too.
FULL_PENALTIES = (Penalties(100.0, 100.0), Penalties(100.0, 10.0))
# Beyond so many weights a full kernel is not tried: it would take longer than all else, and overfit.
MAX_WEIGHTS = 20_000
MAX_ITERATIONS = 200
# Numbers of the input that it learns from.
MAX_CELLS = 5_000_000


class LogisticMetaLearner(MetaLearner):
    """Logistic regression on the members' log-odds, its weights held near those of greedy selection.

    Parameters
    ----------
    multiclass
        True for one class a row (softmax), False for independent outputs (sigmoid).
    non_negative
        Whether members' weights are zero or above, and the same for all outputs (Breiman, Stacked regressions, Machine
        Learning 24, 1996).
    cost
        What the penalty is chosen by; None for log loss.
    settings
        Penalties to choose from, the strongest first; None for those that fit the number of outputs.

    Attributes
    ----------
    penalties_
        The chosen ones.
    """

    def __init__(
        self,
        *,
        multiclass: bool,
        non_negative: bool = False,
        cost: Cost | None = None,
        settings: tuple[Penalties, ...] | None = None,
    ) -> None:
        self.multiclass = multiclass
        self.non_negative = non_negative
        self.cost = cost
        self.settings = settings

    def fit(self, X: NDArray[np.float32], Y: NDArray[np.float32], folds: Rows) -> Self:
        """See :meth:`.MetaLearner.fit`."""
        tries_full = not self.non_negative and Y.shape[1] > 1 and X.shape[1] * Y.shape[1] <= MAX_WEIGHTS
        self._choose_settings(
            X,
            Y,
            split_inner_folds(X, folds),
            self.settings or (SKIP_PENALTIES + FULL_PENALTIES if tries_full else SKIP_PENALTIES),
        )
        rows = sample_rows(len(X), MAX_CELLS // X.shape[1])
        self.blend_ = Blend(
            self.multiclass,
            (self._fit_network(X[rows], Y[rows], self._build_start(X[rows], Y[rows]), self.penalties_),),
        )
        return self

    def clone_with_chosen_settings(self) -> MetaLearner:
        """See :meth:`.MetaLearner.clone_with_chosen_settings`."""
        return LogisticMetaLearner(
            multiclass=self.multiclass, non_negative=self.non_negative, settings=(self.penalties_,)
        )

    def _choose_settings(
        self, X: NDArray[np.float32], Y: NDArray[np.float32], splits: list[InnerSplit], settings: tuple[Penalties, ...]
    ) -> None:
        if not splits:
            self.penalties_ = settings[0]
            self.held_out_ = HeldOut(np.zeros(0, np.int64), np.zeros((0, Y.shape[1])))
            return
        starts = [self._build_start(X[part.train], Y[part.train]) for part in splits]
        scores = [
            [
                self._fit_network(X[part.train], Y[part.train], start, one).compute_scores(X[part.held_out])[0]
                for part, start in zip(splits, starts, strict=True)
            ]
            for one in settings
        ]
        plain = Blend(self.multiclass)
        predicted = [[plain.convert_scores(one) for one in each] for each in scores]
        best = choose_setting(
            predicted, np.concatenate([Y[part.held_out] for part in splits]), self.cost, self.multiclass
        )
        self.penalties_ = settings[best]
        self.held_out_ = HeldOut(np.concatenate([part.held_out for part in splits]), np.concatenate(scores[best]))

    def _build_start(self, X: NDArray[np.float32], Y: NDArray[np.float32]) -> Network:
        return fit_greedy_start(X, Y, multiclass=self.multiclass)

    def _fit_network(
        self, X: NDArray[np.float32], Y: NDArray[np.float32], plain: Network, penalties: Penalties
    ) -> Network:
        return fit_network(
            X,
            Y,
            Network.build_start(plain, ()) if penalties.kernels else plain,
            penalties,
            multiclass=self.multiclass,
            iterations=MAX_ITERATIONS,
            non_negative=self.non_negative,
        )
