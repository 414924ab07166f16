"""Calibration: how certain a stack may be, learned from rows that its meta-learner was not fitted on."""

from __future__ import annotations

from dataclasses import replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from sklearn.base import clone

from ..competition.metrics.metrics import compute_row_losses
from ..heads.links import EPSILON, clip_log_odds, compute_probabilities, find_columns
from .blend import clip_probabilities
from .learners.base import HeldOut, MetaLearner, Rows, sample_rows, select_first_repeat
from .subsets import compute_held_out_losses

# Of the temperature's logarithm around 0, against the summed log loss: few rows leave probabilities as they are.
TEMPERATURE_PENALTY = 10.0
MAX_TEMPERATURE = 5.0
# To choose from: members are held off certainty by so much.
FLOORS = (3e-2, 1e-2, 1e-3, 1e-4, EPSILON)
# Numbers of the input that are looked at for it.
MAX_CELLS = 40_000
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
        multiclass = bool(self.learner.multiclass)
        self.floor_ = choose_floor(X, Y, select_first_repeat(folds), multiclass=multiclass)
        self.learner_: MetaLearner = clone(self.learner).fit(
            clip_log_odds(X, self.floor_, multiclass=multiclass), Y, folds
        )
        blend, (rows, scores) = self.learner_.blend_, self.learner_.held_out_
        self.temperature_, self.clip_ = fit_calibration(scores, Y[rows], multiclass=blend.multiclass)
        self.blend_ = replace(blend, floor=self.floor_, temperature=self.temperature_, clip=self.clip_)
        self.held_out_ = HeldOut(rows, scores)
        return self

    def clone_with_chosen_settings(self) -> MetaLearner:
        """See :meth:`.MetaLearner.clone_with_chosen_settings`; it has no calibration of its own."""
        return self.learner_.clone_with_chosen_settings()

    @property
    def held_out_probabilities_(self) -> NDArray[np.float32]:
        """Calibrated probabilities of the rows that inner folds held out, shape (rows, outputs)."""
        return self.blend_.convert_scores(self.held_out_.scores)


def choose_floor(X: NDArray[np.float32], Y: NDArray[np.float32], folds: Rows, *, multiclass: bool) -> float:
    """Return what members' probabilities are best held off 0 and 1 by, judged by a weighted mean of their log-odds.

    Parameters
    ----------
    X, Y, folds
        As :meth:`.MetaLearner.fit` takes them.
    multiclass
        One class a row.
    """
    outputs = Y.shape[1]
    rows = sample_rows(len(X), max(1, MAX_CELLS // X.shape[1]))
    if len(np.unique(folds[rows])) < 2:
        return FLOORS[-1]
    members = [X[rows][:, find_columns([one], outputs)] for one in range(X.shape[1] // outputs)]
    losses = []
    for floor in FLOORS:
        odds = [clip_log_odds(one, floor, multiclass=multiclass) for one in members]
        losses.append(compute_held_out_losses(odds, Y[rows], folds[rows], multiclass=multiclass))
    return FLOORS[int(np.argmin([float(loss.mean()) for loss in losses]))]


def fit_calibration(
    scores: NDArray[np.floating], targets: NDArray[np.float32], *, multiclass: bool
) -> tuple[float, float]:
    """Return the temperature and the clip that minimise log loss.

    A temperature is taken where it gains more than one standard error; of a clip less depends.

    Parameters
    ----------
    scores
        Before softmax or sigmoid, shape (rows, outputs), of rows that nothing was fitted on.
    targets
        Of the same shape, 0 or 1.
    multiclass
        One class a row.
    """
    if not len(scores):
        return 1.0, 0.0

    def compute_cost(log_temperature: float) -> float:
        predicted = compute_probabilities(scores / np.exp(log_temperature), multiclass=multiclass)
        loss = float(compute_row_losses(targets, predicted, multiclass=multiclass).sum())
        return loss + TEMPERATURE_PENALTY / 2 * log_temperature**2

    max_log_temperature = float(np.log(MAX_TEMPERATURE))
    minimum = minimize_scalar(
        compute_cost, bounds=(-max_log_temperature, max_log_temperature), method="bounded", options={"xatol": 1e-3}
    )
    temperature = float(np.exp(minimum.x))
    uncalibrated, calibrated = (
        compute_probabilities(scores / divisor, multiclass=multiclass) for divisor in (1.0, temperature)
    )
    gain = compute_row_losses(targets, uncalibrated, multiclass=multiclass) - compute_row_losses(
        targets, calibrated, multiclass=multiclass
    )
    if gain.mean() <= gain.std() / np.sqrt(len(gain)):
        temperature, calibrated = 1.0, uncalibrated
    losses = [
        float(
            compute_row_losses(
                targets, clip_probabilities(calibrated, clip, multiclass=multiclass), multiclass=multiclass
            ).mean()
        )
        for clip in CLIPS
    ]
    return temperature, CLIPS[int(np.argmin(losses))]
