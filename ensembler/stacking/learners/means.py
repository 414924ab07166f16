"""Meta-learners that learn nothing: the mean of probabilities, and of log-odds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..blend import Blend
from ..networks import Network
from .base import HeldOut, MetaLearner, Rows


class MeanMetaLearner(MetaLearner):
    """The arithmetic mean of the members' probabilities."""

    def _fit(self, X: NDArray[np.float32], Y: NDArray[np.float32], folds: Rows) -> None:
        del folds
        self.blend_ = self._build_blend(X.shape[1] // Y.shape[1], Y.shape[1])
        self.held_out_ = HeldOut(np.arange(len(X)), self.blend_.compute_scores(X))

    def _build_blend(self, members: int, outputs: int) -> Blend:
        del outputs
        return Blend(self.multiclass_, weights=np.full(members, 1 / members))


class LogitMeanMetaLearner(MeanMetaLearner):
    """The mean of the members' log-odds, which is a geometric mean: confident members count for more."""

    def _build_blend(self, members: int, outputs: int) -> Blend:
        return Blend(self.multiclass_, (Network.build_mean(members, outputs),))
