"""The tournament among meta-learners: the simplest that is not worse than the best beyond noise."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from ..competition.metrics.comparisons import is_within_one_error
from ..competition.metrics.intervals import Difference, compute_difference
from ..competition.metrics.measures import MeasuredScore
from ..competition.metrics.metrics import compute_row_losses
from ..competition.metrics.standard_errors import InfluenceScore
from .calibration import CalibratedMetaLearner
from .learners.base import MetaLearner, Rows, fit_on_targets

Measure = Callable[[NDArray[np.floating], NDArray[np.floating]], MeasuredScore]


class TournamentMetaLearner(MetaLearner):
    """The simplest of several meta-learners whose cost is within one standard error of the best's.

    The rule is that of :func:`.choose_within_one_error`, with the bootstrap standard error of the paired difference.
    Each meta-learner is judged on rows that inner folds held out, in as many repeats as ``folds`` has columns.

    Parameters
    ----------
    learners
        Meta-learners by name, the simplest first; each is calibrated.
    measure
        Measure of the cost of targets and probabilities; None for log loss.

    Attributes
    ----------
    chosen_
        Name of the chosen meta-learner.
    costs_
        Cost of each meta-learner by name, less being better.
    excess_costs_
        How much more each costs than the best, by name.
    """

    def __init__(self, learners: dict[str, MetaLearner], *, measure: Measure | None = None) -> None:
        self.learners = learners
        self.measure = measure

    def _fit(self, X: NDArray[np.float32], Y: NDArray[np.float32], folds: Rows) -> None:
        fits = {
            name: [
                fit_on_targets(CalibratedMetaLearner(learner), X, Y, repeat, multiclass=self.multiclass_)
                for repeat in folds.reshape(len(folds), -1).T
            ]
            for name, learner in self.learners.items()
        }
        self._compare_learners(fits, Y)
        within = [
            name for name, one in self.excess_costs_.items() if is_within_one_error(one.value, one.standard_error)
        ]
        # Costs are NaN where rows cannot tell, such as the AUC of one class: then the last and richest is taken.
        self.chosen_ = within[0] if within else list(self.learners)[-1]
        self.learner_ = fits[self.chosen_][0]
        self.blend_, self.held_out_ = self.learner_.blend_, self.learner_.held_out_

    def clone_with_chosen_settings(self) -> MetaLearner:
        """See :meth:`.MetaLearner.clone_with_chosen_settings`."""
        return self.learner_.clone_with_chosen_settings()

    def _compare_learners(self, fits: dict[str, list[MetaLearner]], Y: NDArray[np.float32]) -> None:
        """Set ``costs_`` and ``excess_costs_``, of the rows that all learners have held-out predictions of."""
        repeats = zip(*fits.values(), strict=True)
        shared = [reduce(np.intersect1d, [fit.held_out_.rows for fit in repeat]) for repeat in repeats]
        rows = np.concatenate(shared)
        measured: dict[str, MeasuredScore] = {}
        if len(rows):
            measured = {
                name: self._measure_cost(Y[rows], np.concatenate(list(map(_predict_held_out, each, shared))))
                for name, each in fits.items()
            }
        self.costs_ = {name: one.value for name, one in measured.items()}
        best = min(measured.values(), key=lambda one: np.inf if np.isnan(one.value) else one.value, default=None)
        # A row that several repeats predicted counts as one when it is resampled.
        units = np.unique(rows, return_inverse=True)[1]
        self.excess_costs_: dict[str, Difference] = {
            name: compute_difference(one, best, units) for name, one in measured.items() if best
        }

    def _measure_cost(self, targets: NDArray[np.float32], predicted: NDArray[np.float32]) -> MeasuredScore:
        if self.measure:
            return self.measure(targets, predicted)
        return InfluenceScore.from_row_values(compute_row_losses(targets, predicted, multiclass=self.multiclass_))


def _predict_held_out(fit: MetaLearner, rows: Rows) -> NDArray[np.float32]:
    """Return calibrated probabilities of some of the rows that inner folds held out."""
    order = np.argsort(fit.held_out_.rows)
    places = order[np.searchsorted(fit.held_out_.rows, rows, sorter=order)]
    return fit.blend_.convert_scores(fit.held_out_.scores[places])
