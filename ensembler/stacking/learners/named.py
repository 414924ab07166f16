"""The meta-learners by name, the simplest first."""

from __future__ import annotations

from collections.abc import Callable

from ...errors import BadChoice
from .base import Cost, MetaLearner
from .dense import DenseMetaLearner
from .greedy import GreedyMetaLearner
from .logistic import LogisticMetaLearner
from .means import LogitMeanMetaLearner, MeanMetaLearner

DEFAULT_META_LEARNER, TOURNAMENT = "dense", "auto"

_FACTORIES: dict[str, Callable[[int, Cost | None], MetaLearner]] = {
    "mean": lambda _seed, _cost: MeanMetaLearner(),
    "logit-mean": lambda _seed, _cost: LogitMeanMetaLearner(),
    "logistic-nonneg": lambda _seed, cost: LogisticMetaLearner(non_negative=True, cost=cost),
    "greedy": lambda seed, _cost: GreedyMetaLearner(random_state=seed),
    "logistic": lambda _seed, cost: LogisticMetaLearner(cost=cost),
    "dense": lambda seed, cost: DenseMetaLearner(random_state=seed, cost=cost),
}
META_LEARNERS = tuple(_FACTORIES)
# Meta-learners without fitted weights.
UNFITTED = ("mean", "logit-mean")


def make_meta_learner(name: str, *, seed: int = 0, cost: Cost | None = None) -> MetaLearner:
    """Create a meta-learner by its name.

    Parameters
    ----------
    name
        Name in :data:`META_LEARNERS`.
    seed
        Seed of its random numbers.
    cost
        Cost by which its settings are chosen. None uses log loss.

    Raises
    ------
    BadChoice
        If the name is unknown.
    """
    if name not in _FACTORIES:
        raise BadChoice.from_unknown_name("meta-learner", name, [*META_LEARNERS, TOURNAMENT])
    return _FACTORIES[name](seed, cost)
