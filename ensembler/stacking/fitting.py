"""A stack's meta-learner: made as it was asked for, scored by nested folds, fitted on all rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..competition.folds.folds import Folds
from ..competition.manifest import Manifest
from ..competition.metrics.scoring import cost_by, cost_measure
from ..competition.tables import Tables
from ..progress import Progress
from .calibration import CalibratedMetaLearner
from .learners.base import MetaLearner
from .learners.named import META_LEARNERS, TOURNAMENT, meta_learner
from .log_odds import log_odds
from .nested import Nested, nested_predictions
from .subsets import SubsetMetaLearner
from .tournament import TournamentMetaLearner

# How often a tournament divides rows, and numbers of the input beyond which once must do.
REPEATS, REPEATED_CELLS = 3, 500_000


@dataclass(frozen=True)
class Wish:
    """What a person asks of a meta-learner.

    Attributes
    ----------
    meta
        One of :data:`.META_LEARNERS`, or ``auto``.
    seed
        Of random numbers.
    size
        How many members the stack is to have; None for all.
    costs, limit
        What each member costs, and the most that all together may; infinite for no limit.
    """

    meta: str
    seed: int = 0
    size: int | None = None
    costs: tuple[float, ...] = ()
    limit: float = np.inf

    @property
    def chooses_members(self) -> bool:
        """Whether some members may be left out."""
        return self.size is not None or np.isfinite(self.limit)


@dataclass(frozen=True)
class Learned:
    """A fitted meta-learner.

    Attributes
    ----------
    learner
        Fitted on all rows.
    name
        Of the meta-learner; that which won, after a tournament.
    members
        Numbers of those that the stack has, among those it could choose from.
    nested
        Probabilities of the scored photos, each by a meta-learner that was not fitted on it.
    """

    learner: MetaLearner
    name: str
    members: tuple[int, ...]
    nested: Nested


def make_learner(wish: Wish, manifest: Manifest) -> MetaLearner:
    """Make what was asked for.

    Raises
    ------
    BadChoice
        If there is no such meta-learner, or the manifest's metric cannot judge its task.
    """
    exclusive = manifest.sums_to_one
    # Log loss has a rule of its own, that goes by rows.
    cost = None if "log loss" in manifest.metric else cost_by(manifest)
    if wish.meta == TOURNAMENT:
        all_of_them = {
            name: meta_learner(name, exclusive=exclusive, seed=wish.seed, cost=cost) for name in META_LEARNERS
        }
        learner: MetaLearner = TournamentMetaLearner(all_of_them, exclusive=exclusive, measure=cost_measure(manifest))
    else:
        learner = CalibratedMetaLearner(meta_learner(wish.meta, exclusive=exclusive, seed=wish.seed, cost=cost))
    if not wish.chooses_members:
        return learner
    return SubsetMetaLearner(learner, exclusive=exclusive, size=wish.size, costs=wish.costs, limit=wish.limit)


def learn(
    wish: Wish, tables: Tables, folds: Folds, members: Sequence[NDArray[np.float32]], progress: Progress
) -> Learned:
    """Fit a meta-learner on out-of-fold probabilities of the scored photos, shape (photos, outputs) each."""
    exclusive, targets = tables.manifest.sums_to_one, tables.targets[folds.scored]
    X = log_odds(members, exclusive=exclusive)
    repeats = REPEATS if wish.meta == TOURNAMENT and X.size <= REPEATED_CELLS else 1
    parts = folds.nested_repeats(repeats)
    learner = make_learner(wish, tables.manifest)
    task = progress.start("meta-learner", len(np.unique(parts[:, 0])) + 1)
    nested = nested_predictions(learner, X, targets, parts, task)
    learner.fit(X, targets, parts)
    task.advance()
    task.finish()
    chosen, name = tuple(range(len(members))), wish.meta
    inner = learner
    if isinstance(inner, SubsetMetaLearner):
        chosen, inner = inner.members_, inner.learner_
    if isinstance(inner, TournamentMetaLearner):
        name = inner.chosen_
    return Learned(inner, name, chosen, nested)
