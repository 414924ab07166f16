"""The dense meta-learner: a weighted geometric mean of the members, corrected by a small regularised network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from ..competition.metrics.metrics import log_loss
from ..members.linear_head import probabilities
from ..progress import Task

# Members' probabilities are held off 0 and 1 by this before their logarithm is taken: beyond it float32 has no
# digits left, and one overconfident member could outshout all others.
CLIP = 1e-6
# Rectified units, as in the articles that this project follows: 32, then 8.
HIDDEN = (32, 8)
# Weights of the L2 penalty on the network to choose from, the strongest first, counted against the summed log loss.
PENALTIES = (100.0, 30.0, 10.0)
# Of the members' weights around the plain mean, and of the bias around 0. Weaker ones (1, 3) lost on photos of pets
# and on digits alike, where each class's bias is one more weight to overfit.
SKIP_PENALTY = 10.0
SEEDS = 3
ITERATIONS = 100

Float = NDArray[np.float64]
Cost = Callable[[NDArray[np.floating], NDArray[np.floating]], float]


def log_odds(members: Sequence[NDArray[np.float32]], *, exclusive: bool) -> NDArray[np.float32]:
    """Log-odds of the members' probabilities side by side, shape (rows, members * outputs), in the members' order.

    Of exclusive classes, whose odds are against each other, it is the logarithm: what they have in common is lost in
    the softmax.
    """
    clipped = np.clip(np.concatenate(members, axis=1), np.float32(CLIP), np.float32(1 - CLIP))
    return np.log(clipped) if exclusive else np.log(clipped) - np.log(np.float32(1) - clipped)


@dataclass(frozen=True)
class DenseNetwork:
    """One seed's weights.

    Attributes
    ----------
    skip
        Weight of each member, shape (members,).
    layers
        Kernel and bias of each layer, all but the last rectified; the last bias serves the skip path too.
    """

    skip: Float
    layers: tuple[tuple[Float, Float], ...]

    @classmethod
    def start(cls, members: int, outputs: int, seed: int) -> DenseNetwork:
        """Begin as the plain geometric mean: the last kernel is zero, those before it He's (ICCV 2015)."""
        random = np.random.default_rng(seed)
        widths = (members * outputs, *HIDDEN)
        hidden = [
            (random.normal(0, np.sqrt(2 / width), (width, following)), np.zeros(following))
            for width, following in pairwise(widths)
        ]
        return cls(np.full(members, 1 / members), (*hidden, (np.zeros((HIDDEN[-1], outputs)), np.zeros(outputs))))

    def arrays(self) -> list[Float]:
        """All weights, in the order of :meth:`filled`."""
        return [self.skip, *(array for layer in self.layers for array in layer)]

    def filled(self, flat: Float) -> DenseNetwork:
        """Return a network of this one's shapes with the weights of ``flat``."""
        parts, start = [], 0
        for array in self.arrays():
            parts.append(flat[start : start + array.size].reshape(array.shape))
            start += array.size
        return DenseNetwork(parts[0], tuple(zip(parts[1::2], parts[2::2], strict=True)))

    def scores(self, X: NDArray[Any], Z: NDArray[Any]) -> tuple[Float, list[Float]]:
        """Scores before softmax or sigmoid, shape (rows, outputs), and each layer's input.

        ``X`` are log-odds for the skip path, ``Z`` the same, standardised, for the network.
        """
        flows = [Z]
        for kernel, bias in self.layers[:-1]:
            flows.append(np.maximum(flows[-1] @ kernel + bias, 0))
        kernel, bias = self.layers[-1]
        by_member = X.reshape(len(X), len(self.skip), -1)
        return np.tensordot(by_member, self.skip, axes=(1, 0)) + flows[-1] @ kernel + bias, flows

    def gradient(self, X: NDArray[Any], flows: list[Float], error: Float, penalty: float) -> Float:
        """Gradient of the penalised loss by back-propagation, flat; ``error`` is the loss's by the scores."""
        by_member = X.reshape(len(X), len(self.skip), -1)
        skip = np.einsum("rmk,rk->m", by_member, error) + SKIP_PENALTY * (self.skip - 1 / len(self.skip))
        parts: list[Float] = []
        for number in reversed(range(len(self.layers))):
            kernel, bias = self.layers[number]
            own = SKIP_PENALTY * bias if number == len(self.layers) - 1 else 0.0
            parts += [error.sum(axis=0) + own, flows[number].T @ error + penalty * kernel]
            error = (error @ kernel.T) * (flows[number] > 0)
        return np.concatenate([part.ravel() for part in (skip, *reversed(parts))])

    def penalised(self, penalty: float) -> float:
        """Return what the weights cost."""
        kernels = sum(float((kernel**2).sum()) for kernel, _ in self.layers)
        skip = float(((self.skip - 1 / len(self.skip)) ** 2).sum()) + float((self.layers[-1][1] ** 2).sum())
        return (penalty * kernels + SKIP_PENALTY * skip) / 2


class DenseMetaLearner(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """A mean, over seeds, of small dense networks beside a weighted geometric mean of the members.

    The geometric mean, one weight a member, is a skip path around two rectified layers of 32 and 8 units, whose last
    kernel starts at zero: penalised to nothing, the network leaves the members' blend as it is, so that few rows or
    many classes cannot make it worse than that. Stacked generalisation after Wolpert (Neural Networks 5, 1992), on
    cross-validated probabilities after Ting and Witten (JAIR 10, 1999). Fitted with L-BFGS.

    Parameters
    ----------
    exclusive
        True for one class a row (softmax), False for independent outputs (sigmoid).
    penalties
        L2 penalties of the network to choose from by the folds.
    seeds
        Networks to average.
    random_state
        Of the first network.
    cost
        What the penalty is chosen by: takes targets and probabilities, less is better. Log loss decides where two
        penalties cost the same, as they often do by a metric of labels, and alone if there is no other cost.

    Attributes
    ----------
    networks_
        One per seed; their kernels take raw log-odds.
    penalty_
        The chosen penalty.
    """

    def __init__(
        self,
        *,
        exclusive: bool,
        penalties: tuple[float, ...] = PENALTIES,
        seeds: int = SEEDS,
        random_state: int = 0,
        cost: Cost | None = None,
    ) -> None:
        self.exclusive = exclusive
        self.penalties = penalties
        self.seeds = seeds
        self.random_state = random_state
        self.cost = cost

    def fit(self, X: NDArray[np.float32], Y: NDArray[np.float32], folds: NDArray[np.int64]) -> DenseMetaLearner:
        """Choose the penalty by the inner ``folds``, then fit on all rows.

        Parameters
        ----------
        X
            Log-odds, shape (rows, members * outputs).
        Y
            Targets 0 or 1, shape (rows, outputs).
        folds
            Fold of each row; each is held out once to choose the penalty.
        """
        # Matrices this small lose more to the hand-over between threads than they win: a tenth of the time with one.
        with threadpool_limits(1, user_api="blas"):
            self.penalty_ = self._choose_penalty(X, Y, folds)
            self.networks_ = [self._fit_network(X, Y, self.penalty_, seed) for seed in range(self.seeds)]
        return self

    def predict_proba(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities of shape (rows, outputs)."""
        check_is_fitted(self)
        every = [self._forward(network, X) for network in self.networks_]
        return np.asarray(np.mean(every, axis=0), dtype=np.float32)

    def _choose_penalty(self, X: NDArray[np.float32], Y: NDArray[np.float32], folds: NDArray[np.int64]) -> float:
        if len(np.unique(folds)) < 2:
            return self.penalties[0]
        costs = []
        for penalty in self.penalties:
            inner = np.empty(Y.shape, dtype=np.float32)
            for fold in np.unique(folds):
                rest, held_out = folds != fold, folds == fold
                inner[held_out] = self._forward(self._fit_network(X[rest], Y[rest], penalty, 0), X[held_out])
            own = self.cost(Y, inner) if self.cost else 0.0
            costs.append((own, log_loss(Y, inner, exclusive=self.exclusive)))
        return self.penalties[costs.index(min(costs))]

    def _fit_network(self, X: NDArray[np.float32], Y: NDArray[np.float32], penalty: float, seed: int) -> DenseNetwork:
        raw, targets = X.astype(np.float64), Y.astype(np.float64)
        mean, deviation = raw.mean(axis=0), raw.std(axis=0)
        deviation[deviation < 1e-6] = 1.0
        Z = (raw - mean) / deviation
        start = DenseNetwork.start(X.shape[1] // Y.shape[1], Y.shape[1], self.random_state + seed)

        def loss_and_gradient(flat: Float) -> tuple[float, Float]:
            network = start.filled(flat)
            scores, flows = network.scores(raw, Z)
            loss, error = _loss_and_error(scores, targets, exclusive=self.exclusive)
            return loss + network.penalised(penalty), network.gradient(raw, flows, error, penalty)

        flat = np.concatenate([array.ravel() for array in start.arrays()])
        # Few iterations are part of the regularisation.
        fitted = minimize(loss_and_gradient, flat, jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS})
        return _unstandardised(start.filled(fitted.x), mean, deviation)

    def _forward(self, network: DenseNetwork, X: NDArray[np.float32]) -> NDArray[np.float32]:
        scores, _ = network.scores(X.astype(np.float64), X.astype(np.float64))
        return probabilities(scores, exclusive=self.exclusive)


def _loss_and_error(scores: Float, targets: Float, *, exclusive: bool) -> tuple[float, Float]:
    """Return the summed log loss, and its derivative by the scores."""
    if exclusive:
        shifted = scores - scores.max(axis=1, keepdims=True)
        logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        return float(-(targets * logs).sum()), np.exp(logs) - targets
    logs = np.logaddexp(0, -scores)
    return float((logs + (1 - targets) * scores).sum()), np.exp(-logs) - targets


def _unstandardised(network: DenseNetwork, mean: Float, deviation: Float) -> DenseNetwork:
    """Fold the standardisation of the inputs into the first layer."""
    kernel, bias = network.layers[0]
    first = (kernel / deviation[:, None], bias - (mean / deviation) @ kernel)
    return DenseNetwork(network.skip, (first, *network.layers[1:]))


def nested_predictions(
    learner: DenseMetaLearner,
    X: NDArray[np.float32],
    Y: NDArray[np.float32],
    folds: NDArray[np.int64],
    task: Task | None = None,
) -> NDArray[np.float32]:
    """Predict each row by a meta-learner that was fitted, and its penalty chosen, on the other folds.

    Returns
    -------
    array of shape (rows, outputs)
    """
    result = np.empty(Y.shape, dtype=np.float32)
    for fold in np.unique(folds):
        rest, held_out = folds != fold, folds == fold
        result[held_out] = clone(learner).fit(X[rest], Y[rest], folds[rest]).predict_proba(X[held_out])
        if task:
            task.advance()
    return result
