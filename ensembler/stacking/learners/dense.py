"""The dense meta-learner: a weighted geometric mean of the members with a small regularised network."""

from __future__ import annotations

from collections.abc import Sequence

from ...heads.links import Float32Array
from ..blend import Blend
from ..networks import Network, Penalties, fit_network
from .base import Cost, MetaLearner, Rows, sample_rows
from .greedy import fit_greedy_start

# Units of the rectified layers.
HIDDEN_UNITS = (32, 8)
# Candidate L2 penalties on the kernels, the strongest first.
PENALTIES = (100.0, 30.0, 10.0)
# L2 penalty on the distance of the members' weights from those of greedy selection, and of the bias from 0. A weaker
# penalty (10) was worse on photos of pets, a stronger one (1000) on synthetic members.
SKIP_PENALTY = 100.0
SEEDS = 3
# Numbers of iterations after which a fit may stop. 0 is the blend of greedy selection.
STOPS = (0, 1, 2, 3, 5, 8, 12, 18, 27, 40, 60, 100)
# Maximum numbers of input values and rows for one network. Of more, each seed draws a sample.
MAX_CELLS, MAX_ROWS = 1_000_000, 50_000


class DenseMetaLearner(MetaLearner):
    """A weighted geometric mean of the members plus a small dense network, averaged over seeds.

    The geometric mean has one weight per member. It is a skip path around two rectified layers of 32 and 8 units, whose
    last kernel starts at zero. The weights start as those of greedy selection, and a penalty pulls them back. If the
    penalty is strong or the fit stops before its first step, the network does not change that blend. So few rows, many
    classes or members of noise do not make it worse.

    Parameters
    ----------
    penalties
        Candidate L2 penalties of the network, the strongest first. The folds choose one.
    stops
        Candidate numbers of iterations, ascending.
    seeds
        Number of averaged networks.
    random_state
        Seed of the first network.
    cost
        Cost by which penalty and iterations are chosen. None uses log loss.

    Attributes
    ----------
    penalty_, iterations_
        Chosen penalty and number of iterations.
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

    def _fit(self, X: Float32Array, Y: Float32Array, folds: Rows) -> None:
        settings = [(penalty, stop) for penalty in self.penalties for stop in reversed(self.stops)]
        chosen = self._choose_setting(X, Y, folds, settings, self.cost)
        self.penalty_, self.iterations_ = chosen
        networks: list[Network] = []
        for seed in range(self.seeds):
            rows = sample_rows(len(X), min(MAX_ROWS, MAX_CELLS // X.shape[1]), self.random_state + seed)
            networks += self._fit_networks(X[rows], Y[rows], [chosen], seed)
        self.blend_ = Blend(self.multiclass_, tuple(networks))

    def clone_with_chosen_settings(self) -> MetaLearner:
        """See :meth:`.MetaLearner.clone_with_chosen_settings`. The clone has one seed."""
        return DenseMetaLearner(
            penalties=(self.penalty_,), stops=(self.iterations_,), seeds=1, random_state=self.random_state
        )

    def _fit_networks(
        self, X: Float32Array, Y: Float32Array, settings: Sequence[tuple[float, int]], seed: int = 0
    ) -> list[Network]:
        """Fit once for each penalty, and return the network at each setting's stop."""
        plain = fit_greedy_start(X, Y, multiclass=self.multiclass_, seed=self.random_state + seed)
        start = Network.build_start(plain, HIDDEN_UNITS, self.random_state + seed)
        last = max(stop for _, stop in settings)
        fits: dict[float, dict[int, Network]] = {penalty: {} for penalty, _ in settings}
        for penalty, snapshots in fits.items():
            penalties, keep = Penalties(SKIP_PENALTY, penalty), snapshots.__setitem__
            fit_network(X, Y, start, penalties, multiclass=self.multiclass_, iterations=last, callback=keep)
        # A fit may converge before a stop.
        return [fits[penalty][min(stop, max(fits[penalty]))] for penalty, stop in settings]
