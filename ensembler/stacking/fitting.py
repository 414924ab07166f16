"""The meta-learner of a stack, scored by nested folds and fitted on all rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..competition.folds.folds import Folds
from ..competition.manifest import Manifest
from ..competition.metrics.scoring import make_cost_function, make_cost_measure
from ..competition.tables import Tables
from ..heads.links import Float32Array, compute_log_odds
from ..progress import Progress
from .calibration import CalibratedMetaLearner
from .learners.base import MetaLearner, fit_on_targets
from .learners.named import META_LEARNERS, TOURNAMENT, make_meta_learner
from .nested import NestedPredictions, predict_nested
from .subsets import SubsetMetaLearner
from .tournament import TournamentMetaLearner

# Repeats of the folds in a tournament, and number of input values above which one repeat is used.
REPEATS, MAX_REPEATED_CELLS = 3, 500_000


@dataclass(frozen=True)
class StackConfig:
    """The choice of a meta-learner and of its members.

    Attributes
    ----------
    meta
        One of :data:`.META_LEARNERS`, or ``auto``.
    seed
        Seed of the random numbers.
    size
        Number of members of the stack. None uses all.
    costs, max_cost
        Cost of each member, and maximum total cost. Infinity sets no limit.
    """

    meta: str
    seed: int = 0
    size: int | None = None
    costs: tuple[float, ...] = ()
    max_cost: float = np.inf

    @property
    def chooses_members(self) -> bool:
        """Whether members may be left out."""
        return self.size is not None or self.limit is not None

    @property
    def limit(self) -> float | None:
        """Maximum total cost. None if there is none."""
        return float(self.max_cost) if np.isfinite(self.max_cost) else None


@dataclass(frozen=True)
class FittedStack:
    """A fitted meta-learner.

    Attributes
    ----------
    learner
        Meta-learner of the chosen members, fitted on all rows.
    name
        Name of the meta-learner or of the winner of the tournament.
    members
        Numbers of the chosen members.
    nested
        Nested probabilities of the scored photos.
    """

    learner: MetaLearner
    name: str
    members: tuple[int, ...]
    nested: NestedPredictions


def make_learner(config: StackConfig, manifest: Manifest) -> MetaLearner:
    """Create an unfitted meta-learner.

    Raises
    ------
    BadChoice
        If the meta-learner is unknown, or the manifest's metric does not fit its task.
    """
    # Log loss follows the one-standard-error rule, which needs the losses of single rows.
    cost = None if "log loss" in manifest.metric else make_cost_function(manifest)
    learner: MetaLearner
    if config.meta == TOURNAMENT:
        learners = {name: make_meta_learner(name, seed=config.seed, cost=cost) for name in META_LEARNERS}
        learner = TournamentMetaLearner(learners, measure=make_cost_measure(manifest))
    else:
        learner = CalibratedMetaLearner(make_meta_learner(config.meta, seed=config.seed, cost=cost))
    if not config.chooses_members:
        return learner
    return SubsetMetaLearner(learner, size=config.size, costs=config.costs, max_cost=config.max_cost)


def fit_stack(
    config: StackConfig, tables: Tables, folds: Folds, members: Sequence[Float32Array], progress: Progress
) -> FittedStack:
    """Fit a meta-learner on out-of-fold probabilities of the scored photos, shape (photos, outputs) each.

    ``tables`` and ``folds`` are those that are learned from. Photos that ``folds`` excludes are only predicted.
    """
    multiclass, targets = tables.manifest.sums_to_one, tables.targets[folds.scored]
    learned = folds.kept[folds.scored]
    X = compute_log_odds(members, multiclass=multiclass)
    repeats = REPEATS if config.meta == TOURNAMENT and X.size <= MAX_REPEATED_CELLS else 1
    fold_numbers = folds.make_nested_repeats(repeats)
    learner = make_learner(config, tables.manifest)
    task = progress.start("meta-learner", len(np.unique(fold_numbers[:, 0])) + 1)
    nested = predict_nested(learner, X, targets, fold_numbers, task, multiclass=multiclass, learned=learned)
    fitted = fit_on_targets(learner, X[learned], targets[learned], fold_numbers[learned], multiclass=multiclass)
    task.advance()
    task.finish()
    chosen, name = tuple(range(len(members))), config.meta
    if isinstance(fitted, SubsetMetaLearner):
        chosen, fitted = fitted.members_, fitted.learner_
    if isinstance(fitted, TournamentMetaLearner):
        name = fitted.chosen_
    return FittedStack(fitted, name, chosen, nested)
