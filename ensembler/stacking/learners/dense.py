"""The dense meta-learner: a weighted geometric mean of the members, corrected by a small regularised network."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..blend import Blend
from ..networks import Network, Penalties, fit_network
from .base import Cost, HeldOut, InnerSplit, MetaLearner, Rows, choose_setting, sample_rows, split_inner_folds
from .starting import fit_greedy_start

# Rectified units, as in the articles that this project follows: 32, then 8.
HIDDEN_UNITS = (32, 8)
# L2 penalties on the kernels to choose from, the strongest first.
PENALTIES = (100.0, 30.0, 10.0)
# Of the members' weights around those of greedy selection, and of the bias around 0. A weaker one (10) lost on photos
# of pets, a stronger one (1000) on made-up members.
SKIP_PENALTY = 100.0
SEEDS = 3
# Iterations at which a fit may be stopped early; 0 is greedy selection's blend.
STOPS = (0, 1, 2, 3, 5, 8, 12, 18, 27, 40, 60, 100)
# Numbers of the input, and rows, that one network learns from; of more, each seed draws its own.
MAX_CELLS, MAX_ROWS = 1_000_000, 50_000


class DenseMetaLearner(MetaLearner):
    """A mean, over seeds, of small dense networks beside a weighted geometric mean of the members.

    The geometric mean, one weight a member, is a skip path around two rectified layers of 32 and 8 units, whose last
    kernel starts at zero. The weights start as those of greedy selection, and are held near them: penalised to nothing,
    or stopped before its first step, the network leaves that blend as it is, so that few rows, many classes or members
    of noise cannot make it worse than that.

    Parameters
    ----------
    multiclass
        True for one class a row (softmax), False for independent outputs (sigmoid).
    penalties
        L2 penalties of the network to choose from by the folds.
    stops
        Numbers of iterations to choose from, ascending.
    seeds
        Networks to average.
    random_state
        Of the first network.
    cost
        What the penalty is chosen by; None for log loss, by which the iterations are always chosen.

    Attributes
    ----------
    penalty_, iterations_
        The chosen ones.
    """

    def __init__(
        self,
        *,
        multiclass: bool,
        penalties: tuple[float, ...] = PENALTIES,
        stops: tuple[int, ...] = STOPS,
        seeds: int = SEEDS,
        random_state: int = 0,
        cost: Cost | None = None,
    ) -> None:
        self.multiclass = multiclass
        self.penalties = penalties
        self.stops = stops
        self.seeds = seeds
        self.random_state = random_state
        self.cost = cost

    def fit(self, X: NDArray[np.float32], Y: NDArray[np.float32], folds: Rows) -> Self:
        """See :meth:`.MetaLearner.fit`."""
        self._choose_settings(X, Y, split_inner_folds(X, folds))
        networks = []
        for seed in range(self.seeds):
            rows = sample_rows(len(X), min(MAX_ROWS, MAX_CELLS // X.shape[1]), self.random_state + seed)
            start = self._build_start(X[rows], Y[rows], seed)
            networks.append(self._fit_with_snapshots(X[rows], Y[rows], start, self.penalty_, self.iterations_)[-1][1])
        self.blend_ = Blend(self.multiclass, tuple(networks))
        return self

    def clone_with_chosen_settings(self) -> MetaLearner:
        """See :meth:`.MetaLearner.clone_with_chosen_settings`; one network stands for all seeds."""
        return DenseMetaLearner(
            multiclass=self.multiclass,
            penalties=(self.penalty_,),
            stops=(self.iterations_,),
            seeds=1,
            random_state=self.random_state,
        )

    def _choose_settings(self, X: NDArray[np.float32], Y: NDArray[np.float32], splits: list[InnerSplit]) -> None:
        settings = [(penalty, stop) for penalty in self.penalties for stop in reversed(self.stops)]
        if not splits:
            self.penalty_, self.iterations_ = settings[0]
            self.held_out_ = HeldOut(np.zeros(0, np.int64), np.zeros((0, Y.shape[1])))
            return
        train = [(X[part.train], Y[part.train]) for part in splits]
        starts = [self._build_start(*each, 0) for each in train]
        fits = {
            penalty: [
                self._fit_with_snapshots(*each, start, penalty, self.stops[-1])
                for each, start in zip(train, starts, strict=True)
            ]
            for penalty in self.penalties
        }
        networks = {(penalty, stop): [_find_snapshot(fit, stop) for fit in fits[penalty]] for penalty, stop in settings}
        plain = Blend(self.multiclass)
        scores = {
            setting: [one.compute_scores(X[part.held_out])[0] for one, part in zip(each, splits, strict=True)]
            for setting, each in networks.items()
        }
        predicted = [[plain.convert_scores(one) for one in scores[setting]] for setting in settings]
        targets = np.concatenate([Y[part.held_out] for part in splits])
        chosen = settings[choose_setting(predicted, targets, self.cost, self.multiclass)]
        self.penalty_, self.iterations_ = chosen
        self.held_out_ = HeldOut(np.concatenate([part.held_out for part in splits]), np.concatenate(scores[chosen]))

    def _build_start(self, X: NDArray[np.float32], Y: NDArray[np.float32], seed: int) -> Network:
        plain = fit_greedy_start(X, Y, multiclass=self.multiclass, seed=self.random_state + seed)
        return Network.build_start(plain, HIDDEN_UNITS, self.random_state + seed)

    def _fit_with_snapshots(
        self, X: NDArray[np.float32], Y: NDArray[np.float32], start: Network, penalty: float, iterations: int
    ) -> list[tuple[int, Network]]:
        """Fit, and return the networks at each stop, and in the end, with the number of the iteration."""
        snapshots: list[tuple[int, Network]] = []

        def keep_snapshot(iteration: int, network: Network) -> None:
            if iteration in self.stops:
                snapshots.append((iteration, network))

        fitted = fit_network(
            X,
            Y,
            start,
            Penalties(SKIP_PENALTY, penalty),
            multiclass=self.multiclass,
            iterations=iterations,
            callback=keep_snapshot,
        )
        return [*snapshots, (iterations, fitted)]


def _find_snapshot(fit: list[tuple[int, Network]], stop: int) -> Network:
    """Return the last network at or before a stop: a fit may have come to its end by itself."""
    return [network for iteration, network in fit if iteration <= stop][-1]
