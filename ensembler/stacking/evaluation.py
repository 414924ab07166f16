"""What can be said of a stack: how sure its score is, what others score, and what each member gives to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..competition.folds.folds import Folds
from ..competition.metrics.figures import Figures
from ..competition.metrics.intervals import Difference, Interval, difference, interval
from ..competition.metrics.measures import measure
from ..competition.metrics.metrics import metric_for
from ..competition.metrics.scoring import cost_measure, judge
from ..competition.metrics.standard_errors import units_of
from ..competition.tables import Tables
from ..progress import Progress, Task
from .contributions import error_correlations, without_each
from .fitting import Learned, Wish, make_learner
from .learners.base import some_rows
from .learners.named import META_LEARNERS
from .log_odds import log_odds
from .nested import nested_predictions
from .reliability import Reliability, reliability

# Numbers of the input that other meta-learners are compared on.
CELLS = 200_000


@dataclass(frozen=True)
class Evaluation:
    """Figures beside a stack's score; all are of photos that what predicted them was not fitted on.

    Attributes
    ----------
    interval
        Of the stack's score by the competition's metric.
    best
        Number of the best single member, among all that were offered.
    gain
        How much better the stack is than that member, by the competition's metric; positive is better.
    rivals
        What each meta-learner scores, by name; the stack's own is among them unless some rows were left out.
    rival_rows
        On how many photos.
    losses_without
        How much worse the stack gets without each of its members, its settings being the same; positive is worse.
        Empty where it has one.
    correlations
        Of its members' errors, shape (members, members).
    before, after
        Reliability without calibration and with it.
    """

    interval: Interval
    best: int
    gain: Difference
    rivals: dict[str, Figures]
    rival_rows: int
    losses_without: tuple[Difference, ...]
    correlations: NDArray[np.float64]
    before: Reliability
    after: Reliability


def evaluate_stack(
    learned: Learned,
    wish: Wish,
    tables: Tables,
    folds: Folds,
    members: Sequence[NDArray[np.float32]],
    progress: Progress,
) -> Evaluation:
    """Compare a stack with what else there is; ``members`` are all that were offered."""
    manifest, targets = tables.manifest, tables.targets[folds.scored]
    units = units_of(tables.train.loc[folds.scored, "group"].tolist())
    cost = cost_measure(manifest)
    stack = cost(targets, learned.nested.calibrated)
    single = [cost(targets, one) for one in members]
    best = int(np.nanargmin([one.value for one in single])) if any(one.value == one.value for one in single) else 0
    own = [members[one] for one in learned.members]
    task = progress.start("comparing meta-learners and members", len(META_LEARNERS) + len(own))
    rivals, rows = _rivals(learned, wish, tables, folds, own, task)
    losses = _losses_without(learned, tables, folds, own, task)
    task.finish()
    exclusive = manifest.sums_to_one
    metric = metric_for(manifest.metric, manifest.task)
    return Evaluation(
        interval=interval(measure(metric, targets, learned.nested.calibrated, manifest), units),
        best=best,
        gain=difference(single[best], stack, units),
        rivals=rivals,
        rival_rows=rows,
        losses_without=losses,
        correlations=error_correlations(own, targets),
        before=reliability(targets, learned.nested.uncalibrated, exclusive=exclusive),
        after=reliability(targets, learned.nested.calibrated, exclusive=exclusive),
    )


def _rivals(
    learned: Learned,
    wish: Wish,
    tables: Tables,
    folds: Folds,
    members: Sequence[NDArray[np.float32]],
    task: Task,
) -> tuple[dict[str, Figures], int]:
    manifest, exclusive = tables.manifest, tables.manifest.sums_to_one
    scored = np.flatnonzero(folds.scored)
    X = log_odds(members, exclusive=exclusive)
    rows = some_rows(len(X), CELLS // X.shape[1])
    targets, parts = tables.targets[scored[rows]], folds.nested_folds()[rows]
    groups = tables.train["group"].iloc[scored[rows]].tolist()
    figures = {}
    for name in META_LEARNERS:
        if name == wish.meta and not wish.chooses_members and len(rows) == len(X):
            given = learned.nested.calibrated
        else:
            rival = make_learner(Wish(name, wish.seed), manifest)
            given = nested_predictions(rival, X[rows], targets, parts).calibrated
        figures[name] = judge(targets, given, manifest, groups)
        task.advance()
    return figures, len(rows)


def _losses_without(
    learned: Learned, tables: Tables, folds: Folds, members: Sequence[NDArray[np.float32]], task: Task
) -> tuple[Difference, ...]:
    if len(members) < 2:
        return ()
    manifest, scored = tables.manifest, np.flatnonzero(folds.scored)
    targets = tables.targets[scored]
    X = log_odds(members, exclusive=manifest.sums_to_one)
    rows, whole, parts = without_each(learned.learner, X, targets, folds.nested_folds(), task)
    cost = cost_measure(manifest)
    units = units_of(tables.train["group"].iloc[scored[rows]].tolist())
    with_all = cost(targets[rows], whole)
    return tuple(difference(cost(targets[rows], part), with_all, units) for part in parts)
