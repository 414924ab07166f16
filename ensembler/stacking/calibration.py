"""Calibration of a stack's confidence on rows that its meta-learner was not fitted on."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from scipy.optimize import minimize_scalar

from ..competition.metrics.comparisons import choose_within_one_error
from ..competition.metrics.metrics import compute_row_losses
from ..heads.links import EPSILON, Float32Array, FloatArray, clip_log_odds, compute_probabilities, find_columns
from .blend import clip_probabilities
from .learners.base import MetaLearner, Rows, WrappingMetaLearner, fit_on_targets, sample_rows, select_first_repeat
from .subsets import compute_held_out_losses

# L2 penalty on the temperature's logarithm, relative to the summed log loss. It limits the change on few rows.
TEMPERATURE_PENALTY = 10.0
MAX_TEMPERATURE = 5.0
# Candidate floors of the members' probabilities.
FLOORS = (3e-2, 1e-2, 1e-3, 1e-4, EPSILON)
# Maximum number of input values on which the floor is chosen.
MAX_CELLS = 40_000
# Floors that are remembered.
MAX_FLOORS = 32
# Candidate clips of the stack's probabilities.
CLIPS = (0.0, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2)


class CalibratedMetaLearner(WrappingMetaLearner):
    """A meta-learner with a floor, a temperature and a clip that minimise log loss on inner held-out rows.

    The floor clips the members' probabilities, because a member that is confident and wrong outweighs all others. One
    temperature scales all outputs (Guo et al., On calibration of modern neural networks, ICML 2017).

    Parameters
    ----------
    learner
        Meta-learner that is cloned and fitted first.
    """

    def __init__(self, learner: MetaLearner) -> None:
        self.learner = learner

    def _fit(self, X: Float32Array, Y: Float32Array, folds: Rows) -> None:
        multiclass = self.multiclass_
        floor = choose_floor(X, Y, select_first_repeat(folds), multiclass=multiclass)
        clipped = clip_log_odds(X, floor, multiclass=multiclass)
        self._adopt(fit_on_targets(self.learner, clipped, Y, folds, multiclass=multiclass))
        rows, scores = self.held_out_
        temperature, clip = fit_calibration(scores, Y[rows], multiclass=multiclass)
        self.blend_ = replace(self.blend_, floor=floor, temperature=temperature, clip=clip)


def choose_floor(X: Float32Array, Y: Float32Array, folds: Rows, *, multiclass: bool) -> float:
    """Return the floor of the members' probabilities that minimises the log loss of their weighted geometric mean.

    Parameters
    ----------
    X, Y
        Log-odds, shape (rows, members * outputs), and targets 0 or 1, shape (rows, outputs).
    folds
        Fold of each row, shape (rows,).
    multiclass
        Whether the outputs are exclusive classes.
    """
    rows = sample_rows(len(X), max(1, MAX_CELLS // X.shape[1]))
    parts = (X[rows].astype(np.float32), Y[rows].astype(np.float32), folds[rows].astype(np.int64))
    return _choose_floor(*(part.tobytes() for part in parts), outputs=Y.shape[1], multiclass=multiclass)


@lru_cache(MAX_FLOORS)
def _choose_floor(odds: bytes, targets: bytes, fold_numbers: bytes, *, outputs: int, multiclass: bool) -> float:
    """Choose a floor on the content of arrays.

    All meta-learners of a comparison are fitted on the same rows, and the floor depends on these alone.
    """
    folds = np.frombuffer(fold_numbers, np.int64)
    if len(np.unique(folds)) < 2:
        return FLOORS[-1]
    X, Y = (np.frombuffer(part, np.float32).reshape(len(folds), -1) for part in (odds, targets))
    members = [X[:, find_columns([one], outputs)] for one in range(X.shape[1] // outputs)]
    losses = []
    for floor in FLOORS:
        clipped = [clip_log_odds(one, floor, multiclass=multiclass) for one in members]
        losses.append(compute_held_out_losses(clipped, Y, folds, multiclass=multiclass).mean())
    return FLOORS[int(np.argmin(losses))]


def fit_calibration(scores: FloatArray, targets: Float32Array, *, multiclass: bool) -> tuple[float, float]:
    """Return the temperature and the clip that minimise log loss. Without rows they are 1 and 0.

    A temperature is used only if it gains more than one standard error. The clip of the lowest log loss is used.

    Parameters
    ----------
    scores
        Scores before softmax or sigmoid, shape (rows, outputs), of rows that nothing was fitted on.
    targets
        Targets 0 or 1, shape (rows, outputs).
    multiclass
        Whether the outputs are exclusive classes.
    """
    if not len(scores):
        return 1.0, 0.0
    temperatures = (1.0, fit_temperature(scores, targets, multiclass=multiclass))
    predicted = [compute_probabilities(scores / one, multiclass=multiclass) for one in temperatures]
    losses = [compute_row_losses(targets, one, multiclass=multiclass) for one in predicted]
    chosen = choose_within_one_error(losses)
    clipped = (clip_probabilities(predicted[chosen], clip, multiclass=multiclass) for clip in CLIPS)
    means = [compute_row_losses(targets, one, multiclass=multiclass).mean() for one in clipped]
    return temperatures[chosen], CLIPS[int(np.argmin(means))]


def fit_temperature(scores: FloatArray, targets: Float32Array, *, multiclass: bool, tolerance: float = 1e-3) -> float:
    """Return the temperature from 1/5 to 5 that minimises the penalised log loss of ``scores / temperature``.

    ``tolerance`` is the accuracy of the temperature's logarithm.
    """

    def compute_cost(log_temperature: float) -> float:
        predicted = compute_probabilities(scores / np.exp(log_temperature), multiclass=multiclass)
        loss = float(compute_row_losses(targets, predicted, multiclass=multiclass).sum())
        return loss + TEMPERATURE_PENALTY / 2 * log_temperature**2

    limit = float(np.log(MAX_TEMPERATURE))
    found = minimize_scalar(compute_cost, bounds=(-limit, limit), method="bounded", options={"xatol": tolerance})
    return float(np.exp(found.x))
