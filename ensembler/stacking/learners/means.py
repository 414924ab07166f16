"""Meta-learners without fitted weights: the means of probabilities and of log-odds."""

from __future__ import annotations

import numpy as np

from ...heads.links import Float32Array
from ..blend import Blend
from ..networks import Network
from .base import HeldOut, MetaLearner, Rows


class MeanMetaLearner(MetaLearner):
    """The arithmetic mean of the members' probabilities."""

    def _fit(self, X: Float32Array, Y: Float32Array, folds: Rows) -> None:
        del folds
        self.blend_ = self._build_blend(X.shape[1] // Y.shape[1], Y.shape[1])
        self.held_out_ = HeldOut(np.arange(len(X)), self.blend_.compute_scores(X))

    def _build_blend(self, members: int, outputs: int) -> Blend:
        del outputs
        return Blend(self.multiclass_, weights=np.full(members, 1 / members))


class LogitMeanMetaLearner(MeanMetaLearner):
    """The mean of the members' log-odds, which is a geometric mean and gives confident members more influence."""

    def _build_blend(self, members: int, outputs: int) -> Blend:
        return Blend(self.multiclass_, (Network.build_mean(members, outputs),))
