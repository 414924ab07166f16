"""The meta-learners by the names that a person types, the simplest first."""

from __future__ import annotations

from collections.abc import Callable

from ...errors import BadChoice
from .base import Cost, MetaLearner
from .dense import DenseMetaLearner
from .greedy import GreedyMetaLearner
from .logistic import LogisticMetaLearner
from .means import LogitMeanMetaLearner, MeanMetaLearner

DEFAULT_META_LEARNER, TOURNAMENT = "dense", "auto"

_FACTORIES: dict[str, Callable[[bool, int, Cost | None], MetaLearner]] = {
    "mean": lambda exclusive, _seed, _cost: MeanMetaLearner(multiclass=exclusive),
    "logit-mean": lambda exclusive, _seed, _cost: LogitMeanMetaLearner(multiclass=exclusive),
    "logistic-nonneg": lambda exclusive, _seed, cost: LogisticMetaLearner(
        multiclass=exclusive, non_negative=True, cost=cost
    ),
    "greedy": lambda exclusive, seed, _cost: GreedyMetaLearner(multiclass=exclusive, random_state=seed),
    "logistic": lambda exclusive, _seed, cost: LogisticMetaLearner(multiclass=exclusive, cost=cost),
    "dense": lambda exclusive, seed, cost: DenseMetaLearner(multiclass=exclusive, random_state=seed, cost=cost),
}
META_LEARNERS = tuple(_FACTORIES)
# What they learn nothing from rows for.
UNFITTED = ("mean", "logit-mean")


def make_meta_learner(name: str, *, multiclass: bool, seed: int = 0, cost: Cost | None = None) -> MetaLearner:
    """Make the meta-learner of a name.

    Parameters
    ----------
    name
        One of :data:`META_LEARNERS`.
    multiclass
        One class a row.
    seed
        Of its random numbers.
    cost
        What its settings are chosen by; None for log loss.

    Raises
    ------
    BadChoice
        If there is none of that name.
    """
    if name not in _FACTORIES:
        raise BadChoice.from_unknown_name("meta-learner", name, [*META_LEARNERS, TOURNAMENT])
    return _FACTORIES[name](multiclass, seed, cost)
