"""The tournament among meta-learners: the simplest that is not worse than the best beyond noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from ..competition.metrics.intervals import compute_difference
from ..competition.metrics.measures import MeasuredScore
from ..competition.metrics.metrics import compute_row_losses
from ..competition.metrics.standard_errors import InfluenceScore
from .calibration import CalibratedMetaLearner
from .learners.base import MetaLearner, Rows

Measure = Callable[[NDArray[np.floating], NDArray[np.floating]], MeasuredScore]


@dataclass(frozen=True)
class TournamentResult:
    """How a meta-learner did.

    Attributes
    ----------
    name
        Of it.
    cost
        Of held-out rows, less being better: log loss, or the competition's metric with the sign that makes it so.
    excess_cost, standard_error
        How much more it costs than the best, and how sure that is.
    """

    name: str
    cost: float
    excess_cost: float
    standard_error: float


class TournamentMetaLearner(MetaLearner):
    """The simplest of several meta-learners whose cost is within one standard error of the best's.

    The rule is that of Breiman et al., Classification and Regression Trees, 1984; the standard error is of the paired
    difference. Each is judged on rows that inner folds held out, in as many repeats as there are columns of folds.

    Parameters
    ----------
    learners
        By name, the simplest first; each is calibrated.
    multiclass
        One class a row.
    measure
        What costs are; None for log loss.

    Attributes
    ----------
    chosen_
        Name of the chosen one.
    results_
        One for each, in their order.
    """

    def __init__(self, learners: dict[str, MetaLearner], *, multiclass: bool, measure: Measure | None = None) -> None:
        self.learners = learners
        self.multiclass = multiclass
        self.measure = measure

    def fit(self, X: NDArray[np.float32], Y: NDArray[np.float32], folds: Rows) -> Self:
        """See :meth:`.MetaLearner.fit`."""
        repeats = folds.reshape(len(folds), -1).T
        fits = {
            name: [CalibratedMetaLearner(clone(learner)).fit(X, Y, repeat) for repeat in repeats]
            for name, learner in self.learners.items()
        }
        self.results_ = self._compare_learners(fits, Y)
        within = [one for one in self.results_ if one.excess_cost <= one.standard_error or one.excess_cost <= 0]
        # Costs that are no numbers, such as those of an AUC of one class, tell nothing: then the last and richest.
        self.chosen_ = within[0].name if within else list(self.learners)[-1]
        self.learner_ = fits[self.chosen_][0]
        self.blend_, self.held_out_ = self.learner_.blend_, self.learner_.held_out_
        return self

    def clone_with_chosen_settings(self) -> MetaLearner:
        """See :meth:`.MetaLearner.clone_with_chosen_settings`."""
        return self.learner_.clone_with_chosen_settings()

    def _compare_learners(
        self, fits: dict[str, list[CalibratedMetaLearner]], Y: NDArray[np.float32]
    ) -> list[TournamentResult]:
        shared_rows = _find_shared_rows(fits)
        units = np.concatenate(shared_rows)
        if not len(units):
            return []
        # A row that several repeats predicted counts as one when it is resampled.
        measured = {
            name: self._measure_cost(
                Y[units],
                np.concatenate([_select_probabilities(fit, rows) for fit, rows in zip(each, shared_rows, strict=True)]),
            )
            for name, each in fits.items()
        }
        best = min(measured.values(), key=lambda one: np.inf if np.isnan(one.value) else one.value)
        row_units = np.unique(units, return_inverse=True)[1]
        differences = {name: compute_difference(one, best, row_units) for name, one in measured.items()}
        return [
            TournamentResult(name, one.value, differences[name].value, differences[name].standard_error)
            for name, one in measured.items()
        ]

    def _measure_cost(self, targets: NDArray[np.float32], predicted: NDArray[np.float32]) -> MeasuredScore:
        if self.measure:
            return self.measure(targets, predicted)
        return InfluenceScore.from_row_values(compute_row_losses(targets, predicted, multiclass=self.multiclass))


def _find_shared_rows(fits: dict[str, list[CalibratedMetaLearner]]) -> list[Rows]:
    """Of each repeat the rows that all learners have held-out predictions of."""
    each = [[fit.held_out_.rows for fit in repeat] for repeat in zip(*fits.values(), strict=True)]
    return [_intersect_rows(rows) for rows in each]


def _intersect_rows(rows: list[Rows]) -> Rows:
    common = rows[0]
    for others in rows[1:]:
        common = np.intersect1d(common, others)
    return common


def _select_probabilities(fit: CalibratedMetaLearner, rows: Rows) -> Any:
    order = np.argsort(fit.held_out_.rows)
    places = order[np.searchsorted(fit.held_out_.rows, rows, sorter=order)]
    return fit.held_out_probabilities_[places]
