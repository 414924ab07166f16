"""Calibration: how certain a stack may be, learned from rows that its meta-learner was not fitted on."""

from __future__ import annotations

from dataclasses import replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from sklearn.base import clone

from ..competition.metrics.metrics import row_losses
from ..heads.linear import probabilities
from .blend import clipped
from .learners.base import HeldOut, MetaLearner, Rows, first_repeat, some_rows
from .log_odds import CLIP, columns_of, limited
from .subsets import held_out_losses

# Of the temperature's logarithm around 0, against the summed log loss: few rows leave probabilities as they are.
PENALTY = 10.0
HOTTEST = 5.0
# To choose from: members are held off certainty by so much.
FLOORS = (3e-2, 1e-2, 1e-3, 1e-4, CLIP)
# Numbers of the input that are looked at for it.
CELLS = 40_000
# To choose from: answers are held off certainty by so much.
CLIPS = (0.0, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2)


class CalibratedMetaLearner(MetaLearner):
    """A meta-learner between two clips, and a temperature, that minimise log loss on rows its inner folds held out.

    The first clip is of the members' probabilities, since one that was certain and wrong outshouts all others.
    Temperature scaling after Guo et al., On calibration of modern neural networks, ICML 2017: one for all outputs.

    Parameters
    ----------
    learner
        Cloned and fitted first.

    Attributes
    ----------
    learner_
        The fitted one.
    floor_, temperature_, clip_
        What was learned; the least, 1 and 0 where nothing was held out.
    """

    def __init__(self, learner: MetaLearner) -> None:
        self.learner = learner

    def fit(self, X: NDArray[np.float32], Y: NDArray[np.float32], folds: Rows) -> Self:
        """See :meth:`.MetaLearner.fit`."""
        exclusive = bool(self.learner.exclusive)
        self.floor_ = learned_floor(X, Y, first_repeat(folds), exclusive=exclusive)
        self.learner_: MetaLearner = clone(self.learner).fit(limited(X, self.floor_, exclusive=exclusive), Y, folds)
        blend, (rows, scores) = self.learner_.blend_, self.learner_.held_out_
        self.temperature_, self.clip_ = learned_calibration(scores, Y[rows], exclusive=blend.exclusive)
        self.blend_ = replace(blend, floor=self.floor_, temperature=self.temperature_, clip=self.clip_)
        self.held_out_ = HeldOut(rows, scores)
        return self

    def settled(self) -> MetaLearner:
        """See :meth:`.MetaLearner.settled`; it has no calibration of its own."""
        return self.learner_.settled()

    @property
    def held_out_probabilities_(self) -> NDArray[np.float32]:
        """Calibrated probabilities of the rows that inner folds held out, shape (rows, outputs)."""
        return self.blend_.from_scores(self.held_out_.scores)


def learned_floor(X: NDArray[np.float32], Y: NDArray[np.float32], folds: Rows, *, exclusive: bool) -> float:
    """Return what members' probabilities are best held off 0 and 1 by, judged by a weighted mean of their log-odds.

    Parameters
    ----------
    X, Y, folds
        As :meth:`.MetaLearner.fit` takes them.
    exclusive
        One class a row.
    """
    outputs = Y.shape[1]
    rows = some_rows(len(X), max(1, CELLS // X.shape[1]))
    if len(np.unique(folds[rows])) < 2:
        return FLOORS[-1]
    members = [X[rows][:, columns_of([one], outputs)] for one in range(X.shape[1] // outputs)]
    losses = []
    for floor in FLOORS:
        odds = [limited(one, floor, exclusive=exclusive) for one in members]
        losses.append(held_out_losses(odds, Y[rows], folds[rows], exclusive=exclusive))
    return FLOORS[int(np.argmin([float(loss.mean()) for loss in losses]))]


def learned_calibration(
    scores: NDArray[np.floating], targets: NDArray[np.float32], *, exclusive: bool
) -> tuple[float, float]:
    """Return the temperature and the clip that minimise log loss.

    A temperature is taken where it gains more than one standard error; of a clip less depends.

    Parameters
    ----------
    scores
        Before softmax or sigmoid, shape (rows, outputs), of rows that nothing was fitted on.
    targets
        Of the same shape, 0 or 1.
    exclusive
        One class a row.
    """
    if not len(scores):
        return 1.0, 0.0

    def cost(log_temperature: float) -> float:
        given = probabilities(scores / np.exp(log_temperature), exclusive=exclusive)
        loss = float(row_losses(targets, given, exclusive=exclusive).sum())
        return loss + PENALTY / 2 * log_temperature**2

    most = float(np.log(HOTTEST))
    found = minimize_scalar(cost, bounds=(-most, most), method="bounded", options={"xatol": 1e-3})
    temperature = float(np.exp(found.x))
    plain, given = (probabilities(scores / heat, exclusive=exclusive) for heat in (1.0, temperature))
    gain = row_losses(targets, plain, exclusive=exclusive) - row_losses(targets, given, exclusive=exclusive)
    if gain.mean() <= gain.std() / np.sqrt(len(gain)):
        temperature, given = 1.0, plain
    losses = [
        float(row_losses(targets, clipped(given, clip, exclusive=exclusive), exclusive=exclusive).mean())
        for clip in CLIPS
    ]
    return temperature, CLIPS[int(np.argmin(losses))]
