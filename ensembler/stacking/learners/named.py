"""The meta-learners by the names that a person types, the simplest first."""

from __future__ import annotations

from collections.abc import Callable

from ...errors import BadChoice
from .base import Cost, MetaLearner
from .dense import DenseMetaLearner
from .greedy import GreedyMetaLearner
from .logistic import LogisticMetaLearner
from .means import LogitMeanMetaLearner, MeanMetaLearner

DEFAULT, TOURNAMENT = "dense", "auto"

_MAKERS: dict[str, Callable[[bool, int, Cost | None], MetaLearner]] = {
    "mean": lambda exclusive, _seed, _cost: MeanMetaLearner(exclusive=exclusive),
    "logit-mean": lambda exclusive, _seed, _cost: LogitMeanMetaLearner(exclusive=exclusive),
    "logistic-nonneg": lambda exclusive, _seed, cost: LogisticMetaLearner(
        exclusive=exclusive, non_negative=True, cost=cost
    ),
    "greedy": lambda exclusive, seed, _cost: GreedyMetaLearner(exclusive=exclusive, random_state=seed),
    "logistic": lambda exclusive, _seed, cost: LogisticMetaLearner(exclusive=exclusive, cost=cost),
    "dense": lambda exclusive, seed, cost: DenseMetaLearner(exclusive=exclusive, random_state=seed, cost=cost),
}
META_LEARNERS = tuple(_MAKERS)
# What they learn nothing from rows for.
UNFITTED = ("mean", "logit-mean")


def meta_learner(name: str, *, exclusive: bool, seed: int = 0, cost: Cost | None = None) -> MetaLearner:
    """Make the meta-learner of a name.

    Parameters
    ----------
    name
        One of :data:`META_LEARNERS`.
    exclusive
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
    if name not in _MAKERS:
        raise BadChoice.unknown("meta-learner", name, [*META_LEARNERS, TOURNAMENT])
    return _MAKERS[name](exclusive, seed, cost)
