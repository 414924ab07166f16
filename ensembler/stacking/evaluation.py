"""What can be said of a stack: how sure its score is, what others score, and what each member gives to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..competition.folds.folds import Folds
from ..competition.metrics.intervals import Difference, Interval, compute_difference, compute_interval
from ..competition.metrics.measures import measure_probabilities
from ..competition.metrics.metrics import resolve_metric
from ..competition.metrics.scores import Scores
from ..competition.metrics.scoring import compute_scores, make_cost_measure
from ..competition.metrics.standard_errors import assign_units
from ..competition.tables import Tables
from ..heads.links import compute_log_odds
from ..progress import Progress, Task
from .contributions import compute_error_correlations, predict_without_each
from .fitting import FittedStack, StackConfig, make_learner
from .learners.base import sample_rows
from .learners.named import META_LEARNERS
from .nested import predict_nested
from .reliability import Reliability, compute_reliability

# Numbers of the input that other meta-learners are compared on.
MAX_CELLS = 200_000


@dataclass(frozen=True)
class Evaluation:
    """Figures beside a stack's score; all are of photos that what predicted them was not fitted on.

    Attributes
    ----------
    interval
        Of the stack's score by the competition's metric.
    best_member
        Number of the best single member, among all that were offered.
    gain
        How much better the stack is than that member, by the competition's metric; positive is better.
    meta_learner_figures
        What each meta-learner scores, by name; the stack's own is among them unless some rows were left out.
    meta_learner_rows
        On how many photos.
    losses_without
        How much worse the stack gets without each of its members, its settings being the same; positive is worse.
        Empty where it has one.
    correlations
        Of its members' errors, shape (members, members).
    before_calibration, after_calibration
        Reliability without calibration and with it.
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
    folds: Folds,
    members: Sequence[NDArray[np.float32]],
    progress: Progress,
) -> Evaluation:
    """Compare a stack with what else there is; ``members`` are all that were offered."""
    manifest, targets = tables.manifest, tables.targets[folds.scored]
    units = assign_units(tables.train.loc[folds.scored, "group"].tolist())
    cost = make_cost_measure(manifest)
    stack = cost(targets, fitted.nested.calibrated)
    single = [cost(targets, one) for one in members]
    best = int(np.nanargmin([one.value for one in single])) if any(one.value == one.value for one in single) else 0
    own = [members[one] for one in fitted.members]
    task = progress.start("comparing meta-learners and members", len(META_LEARNERS) + len(own))
    figures, rows = _score_meta_learners(fitted, config, tables, folds, own, task)
    losses = _compare_without_each(fitted, tables, folds, own, task)
    task.finish()
    multiclass = manifest.sums_to_one
    metric = resolve_metric(manifest.metric, manifest.task)
    return Evaluation(
        interval=compute_interval(measure_probabilities(metric, targets, fitted.nested.calibrated, manifest), units),
        best_member=best,
        gain=compute_difference(single[best], stack, units),
        meta_learner_figures=figures,
        meta_learner_rows=rows,
        losses_without=losses,
        correlations=compute_error_correlations(own, targets),
        before_calibration=compute_reliability(targets, fitted.nested.uncalibrated, multiclass=multiclass),
        after_calibration=compute_reliability(targets, fitted.nested.calibrated, multiclass=multiclass),
    )


def _score_meta_learners(
    fitted: FittedStack,
    config: StackConfig,
    tables: Tables,
    folds: Folds,
    members: Sequence[NDArray[np.float32]],
    task: Task,
) -> tuple[dict[str, Scores], int]:
    manifest, multiclass = tables.manifest, tables.manifest.sums_to_one
    scored = np.flatnonzero(folds.scored)
    X = compute_log_odds(members, multiclass=multiclass)
    rows = sample_rows(len(X), MAX_CELLS // X.shape[1])
    targets, fold_numbers = tables.targets[scored[rows]], folds.make_nested_folds()[rows]
    groups = tables.train["group"].iloc[scored[rows]].tolist()
    figures = {}
    for name in META_LEARNERS:
        if name == config.meta and not config.chooses_members and len(rows) == len(X):
            predicted = fitted.nested.calibrated
        else:
            learner = make_learner(StackConfig(name, config.seed), manifest)
            predicted = predict_nested(learner, X[rows], targets, fold_numbers, multiclass=multiclass).calibrated
        figures[name] = compute_scores(targets, predicted, manifest, groups)
        task.advance()
    return figures, len(rows)


def _compare_without_each(
    fitted: FittedStack, tables: Tables, folds: Folds, members: Sequence[NDArray[np.float32]], task: Task
) -> tuple[Difference, ...]:
    if len(members) < 2:
        return ()
    manifest, scored = tables.manifest, np.flatnonzero(folds.scored)
    targets = tables.targets[scored]
    X = compute_log_odds(members, multiclass=manifest.sums_to_one)
    rows, all_members, without = predict_without_each(fitted.learner, X, targets, folds.make_nested_folds(), task)
    cost = make_cost_measure(manifest)
    units = assign_units(tables.train["group"].iloc[scored[rows]].tolist())
    with_all = cost(targets[rows], all_members)
    return tuple(compute_difference(cost(targets[rows], part), with_all, units) for part in without)
