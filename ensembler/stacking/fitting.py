"""A stack's meta-learner: made by its name, scored by nested folds, fitted on all rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..competition.folds.folds import Folds
from ..competition.manifest import Manifest
from ..competition.metrics.scoring import make_cost_function, make_cost_measure
from ..competition.tables import Tables
from ..heads.links import compute_log_odds
from ..progress import Progress
from .calibration import CalibratedMetaLearner
from .learners.base import MetaLearner, fit_on_targets
from .learners.named import META_LEARNERS, TOURNAMENT, make_meta_learner
from .nested import NestedPredictions, predict_nested
from .subsets import SubsetMetaLearner
from .tournament import TournamentMetaLearner

# Divisions of the rows into folds in a tournament, and numbers of the input beyond which there is only one.
REPEATS, MAX_REPEATED_CELLS = 3, 500_000


@dataclass(frozen=True)
class StackConfig:
    """The choice of a meta-learner and of its members.

    Attributes
    ----------
    meta
        One of :data:`.META_LEARNERS`, or ``auto``.
    seed
        Seed of random numbers.
    size
        Number of members of the stack; None for all.
    costs, max_cost
        Cost of each member, and the most that all together may cost; infinite for no limit.
    """

    meta: str
    seed: int = 0
    size: int | None = None
    costs: tuple[float, ...] = ()
    max_cost: float = np.inf

    @property
    def chooses_members(self) -> bool:
        """Whether some members may be left out."""
        return self.size is not None or np.isfinite(self.max_cost)


@dataclass(frozen=True)
class FittedStack:
    """A fitted meta-learner.

    Attributes
    ----------
    learner
        The meta-learner of the chosen members, fitted on all rows.
    name
        Name of the meta-learner; after a tournament, of the winner.
    members
        Numbers of the members that the stack has, among those it could choose from.
    nested
        Probabilities of the scored photos, each by a meta-learner that was not fitted on it.
    """

    learner: MetaLearner
    name: str
    members: tuple[int, ...]
    nested: NestedPredictions


def make_learner(config: StackConfig, manifest: Manifest) -> MetaLearner:
    """Make an unfitted meta-learner.

    Raises
    ------
    BadChoice
        If there is no such meta-learner, or the manifest's metric cannot judge its task.
    """
    # Log loss has a rule of its own, which goes by rows.
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
    config: StackConfig, tables: Tables, folds: Folds, members: Sequence[NDArray[np.float32]], progress: Progress
) -> FittedStack:
    """Fit a meta-learner on out-of-fold probabilities of the scored photos, shape (photos, outputs) each."""
    multiclass, targets = tables.manifest.sums_to_one, tables.targets[folds.scored]
    X = compute_log_odds(members, multiclass=multiclass)
    repeats = REPEATS if config.meta == TOURNAMENT and X.size <= MAX_REPEATED_CELLS else 1
    fold_numbers = folds.make_nested_repeats(repeats)
    learner = make_learner(config, tables.manifest)
    task = progress.start("meta-learner", len(np.unique(fold_numbers[:, 0])) + 1)
    nested = predict_nested(learner, X, targets, fold_numbers, task, multiclass=multiclass)
    fitted = fit_on_targets(learner, X, targets, fold_numbers, multiclass=multiclass)
    task.advance()
    task.finish()
    chosen, name = tuple(range(len(members))), config.meta
    if isinstance(fitted, SubsetMetaLearner):
        chosen, fitted = fitted.members_, fitted.learner_
    if isinstance(fitted, TournamentMetaLearner):
        name = fitted.chosen_
    return FittedStack(fitted, name, chosen, nested)
