"""The logistic meta-learner: one weight a member, and where there are many rows one for each pair of outputs."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..blend import Blend
from ..networks import Network, Penalties, fit_network
from .base import Cost, HeldOut, MetaLearner, Part, Rows, best_setting, inner_parts, some_rows
from .starting import greedy_start

# Of the members' weights alone, the strongest first.
SKIP = (Penalties(100.0), Penalties(10.0))
# With a weight from each member's output to each output too.
FULL = (Penalties(100.0, 100.0), Penalties(100.0, 10.0))
# Beyond so many weights a full kernel is not tried: it would take longer than all else, and overfit.
MOST_WEIGHTS = 20_000
ITERATIONS = 200
# Numbers of the input that it learns from.
CELLS = 5_000_000


class LogisticMetaLearner(MetaLearner):
    """Logistic regression on the members' log-odds, its weights held near those of greedy selection.

    Parameters
    ----------
    exclusive
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
        exclusive: bool,
        non_negative: bool = False,
        cost: Cost | None = None,
        settings: tuple[Penalties, ...] | None = None,
    ) -> None:
        self.exclusive = exclusive
        self.non_negative = non_negative
        self.cost = cost
        self.settings = settings

    def fit(self, X: NDArray[np.float32], Y: NDArray[np.float32], folds: Rows) -> Self:
        """See :meth:`.MetaLearner.fit`."""
        several = not self.non_negative and Y.shape[1] > 1 and X.shape[1] * Y.shape[1] <= MOST_WEIGHTS
        self._choose(X, Y, inner_parts(X, folds), self.settings or (SKIP + FULL if several else SKIP))
        rows = some_rows(len(X), CELLS // X.shape[1])
        self.blend_ = Blend(
            self.exclusive, (self._fitted(X[rows], Y[rows], self._start(X[rows], Y[rows]), self.penalties_),)
        )
        return self

    def settled(self) -> MetaLearner:
        """See :meth:`.MetaLearner.settled`."""
        return LogisticMetaLearner(
            exclusive=self.exclusive, non_negative=self.non_negative, settings=(self.penalties_,)
        )

    def _choose(
        self, X: NDArray[np.float32], Y: NDArray[np.float32], parts: list[Part], settings: tuple[Penalties, ...]
    ) -> None:
        if not parts:
            self.penalties_ = settings[0]
            self.held_out_ = HeldOut(np.zeros(0, np.int64), np.zeros((0, Y.shape[1])))
            return
        starts = [self._start(X[part.learned], Y[part.learned]) for part in parts]
        scores = [
            [
                self._fitted(X[part.learned], Y[part.learned], start, one).scores(X[part.held_out])[0]
                for part, start in zip(parts, starts, strict=True)
            ]
            for one in settings
        ]
        plain = Blend(self.exclusive)
        given = [[plain.from_scores(one) for one in each] for each in scores]
        best = best_setting(given, np.concatenate([Y[part.held_out] for part in parts]), self.cost, self.exclusive)
        self.penalties_ = settings[best]
        self.held_out_ = HeldOut(np.concatenate([part.held_out for part in parts]), np.concatenate(scores[best]))

    def _start(self, X: NDArray[np.float32], Y: NDArray[np.float32]) -> Network:
        return greedy_start(X, Y, exclusive=self.exclusive)

    def _fitted(self, X: NDArray[np.float32], Y: NDArray[np.float32], plain: Network, penalties: Penalties) -> Network:
        return fit_network(
            X,
            Y,
            Network.start(plain, ()) if penalties.kernels else plain,
            penalties,
            exclusive=self.exclusive,
            iterations=ITERATIONS,
            non_negative=self.non_negative,
        )
