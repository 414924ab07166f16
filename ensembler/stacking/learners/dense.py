"""The dense meta-learner: a weighted geometric mean of the members, corrected by a small regularised network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..blend import Blend
from ..networks import Network, Penalties, fit_network
from .base import Cost, MetaLearner, Rows, sample_rows
from .greedy import fit_greedy_start

# Rectified units, as in the articles that this project follows: 32, then 8.
HIDDEN_UNITS = (32, 8)
# L2 penalties on the kernels to choose from, the strongest first.
PENALTIES = (100.0, 30.0, 10.0)
# L2 penalty on the distance of the members' weights from those of greedy selection, and of the bias from 0. A weaker
# one (10) lost on photos of pets, a stronger one (1000) on made-up members.
SKIP_PENALTY = 100.0
SEEDS = 3
# Iterations at which a fit may be stopped early; 0 is the blend of greedy selection.
STOPS = (0, 1, 2, 3, 5, 8, 12, 18, 27, 40, 60, 100)
# Numbers of the input, and rows, that one network learns from; of more, each seed draws its own.
MAX_CELLS, MAX_ROWS = 1_000_000, 50_000


class DenseMetaLearner(MetaLearner):
    """A mean, over seeds, of small dense networks beside a weighted geometric mean of the members.

    The geometric mean, one weight a member, is a skip path around two rectified layers of 32 and 8 units, whose last
    kernel starts at zero. The weights start as those of greedy selection, and are penalised for leaving them. If the
    penalty is strong, or the fit stops before its first step, the network leaves that blend as it is; so few rows, many
    classes or members of noise cannot make it worse than that.

    Parameters
    ----------
    penalties
        L2 penalties of the network to choose from by the folds, the strongest first.
    stops
        Numbers of iterations to choose from, ascending.
    seeds
        Number of networks that are averaged.
    random_state
        Seed of the first network.
    cost
        Cost that penalty and iterations are chosen by; None for log loss.

    Attributes
    ----------
    penalty_, iterations_
        The chosen penalty and number of iterations.
    """

    def __init__(
        self,
        *,
        penalties: tuple[float, ...] = PENALTIES,
        stops: tuple[int, ...] = STOPS,
        seeds: int = SEEDS,
        random_state: int = 0,
        cost: Cost | None = None,
    ) -> None:
        self.penalties = penalties
        self.stops = stops
        self.seeds = seeds
        self.random_state = random_state
        self.cost = cost

    def _fit(self, X: NDArray[np.float32], Y: NDArray[np.float32], folds: Rows) -> None:
        settings = [(penalty, stop) for penalty in self.penalties for stop in reversed(self.stops)]
        chosen = self._choose_setting(X, Y, folds, settings, self.cost)
        self.penalty_, self.iterations_ = chosen
        networks: list[Network] = []
        for seed in range(self.seeds):
            rows = sample_rows(len(X), min(MAX_ROWS, MAX_CELLS // X.shape[1]), self.random_state + seed)
            networks += self._fit_networks(X[rows], Y[rows], seed, [chosen])
        self.blend_ = Blend(self.multiclass_, tuple(networks))

    def clone_with_chosen_settings(self) -> MetaLearner:
        """See :meth:`.MetaLearner.clone_with_chosen_settings`; one network stands for all seeds."""
        return DenseMetaLearner(
            penalties=(self.penalty_,), stops=(self.iterations_,), seeds=1, random_state=self.random_state
        )

    def _score_settings(
        self,
        X: NDArray[np.float32],
        Y: NDArray[np.float32],
        held_out: NDArray[np.float32],
        settings: Sequence[tuple[float, int]],
    ) -> list[NDArray[np.floating]]:
        return [network.compute_scores(held_out)[0] for network in self._fit_networks(X, Y, 0, settings)]

    def _fit_networks(
        self, X: NDArray[np.float32], Y: NDArray[np.float32], seed: int, settings: Sequence[tuple[float, int]]
    ) -> list[Network]:
        """Fit once for each penalty; return the network at each setting's stop."""
        plain = fit_greedy_start(X, Y, multiclass=self.multiclass_, seed=self.random_state + seed)
        start = Network.build_start(plain, HIDDEN_UNITS, self.random_state + seed)
        fits = {}
        for penalty in dict.fromkeys(penalty for penalty, _ in settings):
            snapshots: dict[int, Network] = {}
            fit_network(
                X,
                Y,
                start,
                Penalties(SKIP_PENALTY, penalty),
                multiclass=self.multiclass_,
                iterations=max(stop for _, stop in settings),
                callback=snapshots.__setitem__,
            )
            fits[penalty] = snapshots
        # A fit may have come to its end before a stop.
        return [fits[penalty][min(stop, max(fits[penalty]))] for penalty, stop in settings]
