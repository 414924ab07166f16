"""The tournament among meta-learners, which chooses the simplest whose cost is near the lowest."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import numpy as np

from ..competition.metrics.comparisons import is_within_one_error
from ..competition.metrics.intervals import Difference, compute_difference
from ..competition.metrics.measures import MeasuredScore
from ..competition.metrics.metrics import compute_row_losses
from ..competition.metrics.standard_errors import InfluenceScore
from ..heads.links import Float32Array, FloatArray
from .calibration import CalibratedMetaLearner
from .learners.base import MetaLearner, Rows, WrappingMetaLearner, fit_on_targets

Measure = Callable[[FloatArray, FloatArray], MeasuredScore]


class TournamentMetaLearner(WrappingMetaLearner):
    """The simplest of several meta-learners whose cost is within one standard error of the lowest.

    The rule is that of :func:`.choose_within_one_error`, with the bootstrap standard error of the paired difference.
    Each meta-learner is scored on inner held-out rows, in as many repeats as ``folds`` has columns.

    Parameters
    ----------
    learners
        Meta-learners by name, the simplest first. Each is calibrated.
    measure
        Function that measures the cost of targets and probabilities. None uses log loss.

    Attributes
    ----------
    chosen_
        Name of the chosen meta-learner.
    costs_
        Cost of each meta-learner by name. Less is better.
    excess_costs_
        Excess of each cost over the lowest, by name.
    """

    def __init__(self, learners: dict[str, MetaLearner], *, measure: Measure | None = None) -> None:
        self.learners = learners
        self.measure = measure

    def _fit(self, X: Float32Array, Y: Float32Array, folds: Rows) -> None:
        fits = {
            name: [
                fit_on_targets(CalibratedMetaLearner(learner), X, Y, repeat, multiclass=self.multiclass_)
                for repeat in folds.reshape(len(folds), -1).T
            ]
            for name, learner in self.learners.items()
        }
        self._compare_learners(fits, Y)
        excess = self.excess_costs_.items()
        within = [name for name, one in excess if is_within_one_error(one.value, one.standard_error)]
        # All costs can be NaN, such as the AUC of rows of one class. The most flexible meta-learner is used then.
        self.chosen_ = within[0] if within else list(self.learners)[-1]
        self._adopt(fits[self.chosen_][0])

    def _compare_learners(self, fits: dict[str, list[MetaLearner]], Y: Float32Array) -> None:
        """Set ``costs_`` and ``excess_costs_`` on the rows for which all learners have held-out predictions."""
        repeats = zip(*fits.values(), strict=True)
        shared = [reduce(np.intersect1d, [fit.held_out_.rows for fit in repeat]) for repeat in repeats]
        rows = np.concatenate(shared)
        measured: dict[str, MeasuredScore] = {}
        for name, each in fits.items() if len(rows) else ():
            predicted = np.concatenate(list(map(_predict_held_out, each, shared)))
            measured[name] = self._measure_cost(Y[rows], predicted)
        self.costs_ = {name: one.value for name, one in measured.items()}
        best = min(measured.values(), key=lambda one: np.inf if np.isnan(one.value) else one.value, default=None)
        # The repeats of one row are resampled together.
        units = np.unique(rows, return_inverse=True)[1]
        self.excess_costs_: dict[str, Difference] = {
            name: compute_difference(one, best, units) for name, one in measured.items() if best
        }

    def _measure_cost(self, targets: Float32Array, predicted: Float32Array) -> MeasuredScore:
        if self.measure:
            return self.measure(targets, predicted)
        return InfluenceScore.from_row_values(compute_row_losses(targets, predicted, multiclass=self.multiclass_))


def _predict_held_out(fit: MetaLearner, rows: Rows) -> Float32Array:
    """Return the calibrated probabilities of some inner held-out rows."""
    order = np.argsort(fit.held_out_.rows)
    places = order[np.searchsorted(fit.held_out_.rows, rows, sorter=order)]
    return fit.blend_.convert_scores(fit.held_out_.scores[places])
