"""The evaluation of a stack: the interval of its score, other meta-learners, and the members' contributions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..competition.corrections.corrections import CorrectedData
from ..competition.metrics.intervals import Difference, Interval, compute_difference, compute_interval
from ..competition.metrics.measures import measure_probabilities
from ..competition.metrics.metrics import resolve_metric
from ..competition.metrics.scores import Scores
from ..competition.metrics.scoring import compute_scores, make_cost_measure
from ..competition.metrics.standard_errors import assign_units
from ..competition.tables import Tables
from ..heads.links import Float32Array, compute_log_odds
from ..progress import Progress
from .contributions import compute_error_correlations, predict_without_each
from .fitting import FittedStack, StackConfig, make_learner
from .learners.base import sample_rows
from .learners.named import META_LEARNERS
from .nested import predict_nested
from .reliability import Reliability, compute_reliability

# Maximum number of input values on which meta-learners are compared.
MAX_CELLS = 200_000


@dataclass(frozen=True)
class Evaluation:
    """Figures of a stack. Each photo was predicted by a meta-learner that was not fitted on it.

    Attributes
    ----------
    interval
        Confidence interval of the stack's score in the competition's metric.
    best_member
        Number of the best single member among all candidates.
    gain
        Gain of the stack over that member in the competition's metric. Positive is better.
    meta_learner_figures
        Scores of each meta-learner by name. They include the stack's own scores unless rows were sampled.
    meta_learner_rows
        Number of photos on which meta-learners were scored.
    losses_without
        Losses of the stack without each of its members, with the same settings. Positive is worse. Empty for a stack
        of one member.
    correlations
        Correlations between its members' errors, shape (members, members).
    before_calibration, after_calibration
        Reliability without and with calibration.
    """

    interval: Interval
    best_member: int
    gain: Difference
    meta_learner_figures: dict[str, Scores]
    meta_learner_rows: int
    losses_without: tuple[Difference, ...]
    correlations: NDArray[np.float64]
    before_calibration: Reliability
    after_calibration: Reliability


def evaluate_stack(
    fitted: FittedStack,
    config: StackConfig,
    tables: Tables,
    corrected: CorrectedData,
    members: Sequence[Float32Array],
    progress: Progress,
) -> Evaluation:
    """Compare a stack with its members and with other meta-learners.

    Parameters
    ----------
    fitted, config
        Stack and its configuration.
    tables, corrected
        Tables with the original labels, by which everything is scored, and the data that is learned from.
    members
        Out-of-fold probabilities of all candidate members, shape (scored photos, outputs) each.
    progress
        Receiver of a step for each meta-learner and member.
    """
    folds = corrected.folds
    manifest, targets, multiclass = tables.manifest, tables.targets[folds.scored], tables.manifest.sums_to_one
    taught, learned = corrected.tables.targets[folds.scored], folds.kept[folds.scored]
    groups = tables.train.loc[folds.scored, "group"].to_numpy(dtype=object)
    cost, units = make_cost_measure(manifest), assign_units(groups.tolist())
    single = [cost(targets, one) for one in members]
    best = int(np.nanargmin([one.value for one in single])) if any(one.value == one.value for one in single) else 0
    own = [members[one] for one in fitted.members]
    X, fold_numbers = compute_log_odds(own, multiclass=multiclass), folds.make_nested_folds()
    task = progress.start("comparing meta-learners and members", len(META_LEARNERS) + len(own))
    rows = sample_rows(len(X), MAX_CELLS // X.shape[1])
    figures = {}
    for name in META_LEARNERS:
        progress.raise_if_stopping("in the comparison of meta-learners")
        if name == config.meta and not config.chooses_members and len(rows) == len(X):
            predicted = fitted.nested.calibrated
        else:
            learner = make_learner(StackConfig(name, config.seed), manifest)
            nested = predict_nested(
                learner, X[rows], taught[rows], fold_numbers[rows], multiclass=multiclass, learned=learned[rows]
            )
            predicted = nested.calibrated
        figures[name] = compute_scores(targets[rows], predicted, manifest, groups[rows].tolist())
        task.advance()
    losses: tuple[Difference, ...] = ()
    progress.raise_if_stopping("in the comparison of members")
    if len(own) > 1:
        sampled, with_all, without = predict_without_each(fitted.learner, X, taught, fold_numbers, task, learned)
        whole, own_units = cost(targets[sampled], with_all), assign_units(groups[sampled].tolist())
        losses = tuple(compute_difference(cost(targets[sampled], part), whole, own_units) for part in without)
    task.finish()
    metric = resolve_metric(manifest.metric, manifest.task)
    stack = fitted.nested.calibrated
    return Evaluation(
        interval=compute_interval(measure_probabilities(metric, targets, stack, manifest), units),
        best_member=best,
        gain=compute_difference(single[best], cost(targets, stack), units),
        meta_learner_figures=figures,
        meta_learner_rows=len(rows),
        losses_without=losses,
        correlations=compute_error_correlations(own, targets),
        before_calibration=compute_reliability(targets, fitted.nested.uncalibrated, multiclass=multiclass),
        after_calibration=compute_reliability(targets, stack, multiclass=multiclass),
    )
