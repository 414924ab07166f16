"""Meta-learners that learn nothing: the mean of probabilities, and of log-odds."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..blend import Blend
from ..networks import Network
from .base import HeldOut, MetaLearner, Rows


class MeanMetaLearner(MetaLearner):
    """The arithmetic mean of the members' probabilities.

    Parameters
    ----------
    multiclass
        True for one class a row (softmax), False for independent outputs (sigmoid).
    """

    def __init__(self, *, multiclass: bool) -> None:
        self.multiclass = multiclass

    def fit(self, X: NDArray[np.float32], Y: NDArray[np.float32], folds: Rows) -> Self:
        """See :meth:`.MetaLearner.fit`."""
        del folds
        self.blend_ = self._build_blend(X.shape[1] // Y.shape[1], Y.shape[1])
        self.held_out_ = HeldOut(np.arange(len(X)), self.blend_.compute_scores(X))
        return self

    def _build_blend(self, members: int, outputs: int) -> Blend:
        del outputs
        return Blend(self.multiclass, weights=np.full(members, 1 / members))


class LogitMeanMetaLearner(MeanMetaLearner):
    """The mean of the members' log-odds: their geometric mean, where each counts more the surer it is."""

    def _build_blend(self, members: int, outputs: int) -> Blend:
        return Blend(self.multiclass, (Network.build_mean(members, outputs),))
