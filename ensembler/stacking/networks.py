"""The network that meta-learners are: one weight a member, corrected by dense layers, fitted with L-BFGS."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from ..heads.links import compute_losses_and_errors

FloatArray = NDArray[np.floating]
# Rows worked on at a time: they stay in the processor's cache, and two threads find blocks enough.
BLOCK_ROWS = 8192
THREADS = 2
# Numbers of the input beyond which float32 is exact enough and twice as fast.
MAX_FLOAT64_CELLS = 1_000_000


@dataclass(frozen=True)
class Network:
    """Log-odds of the members to scores before softmax or sigmoid: ``skip`` + ``bias`` + dense layers.

    Attributes
    ----------
    skip
        Weight of each member, shape (members,).
    bias
        Of each output, shape (outputs,).
    hidden
        Kernel and bias of each rectified layer.
    last
        Kernel from the last rectified layer, or from the log-odds where there is none, to the outputs; None where the
        members' weights are all there is.
    """

    skip: FloatArray
    bias: FloatArray
    hidden: tuple[tuple[FloatArray, FloatArray], ...] = ()
    last: FloatArray | None = None

    @classmethod
    def build_mean(cls, members: int, outputs: int) -> Network:
        """Return the plain mean of log-odds."""
        return cls(np.full(members, 1 / members), np.zeros(outputs))

    @classmethod
    def build_start(cls, plain: Network, widths: Sequence[int], seed: int = 0) -> Network:
        """Begin as a network of members' weights alone: the last kernel is zero, those before it He's (ICCV 2015)."""
        random = np.random.default_rng(seed)
        outputs = len(plain.bias)
        sizes = (len(plain.skip) * outputs, *widths)
        hidden = [
            (random.normal(0, np.sqrt(2 / width), (width, following)), np.zeros(following))
            for width, following in pairwise(sizes)
        ]
        return cls(plain.skip, plain.bias, tuple(hidden), np.zeros((sizes[-1], outputs)))

    def list_weights(self) -> list[FloatArray]:
        """All weights, in the order of :meth:`replace_weights`."""
        last = [] if self.last is None else [self.last]
        return [self.skip, self.bias, *(array for layer in self.hidden for array in layer), *last]

    def replace_weights(self, flat: FloatArray) -> Network:
        """Return a network of this one's shapes with the weights of ``flat``."""
        parts, start = [], 0
        for array in self.list_weights():
            parts.append(flat[start : start + array.size].reshape(array.shape))
            start += array.size
        last = None if self.last is None else parts.pop()
        return Network(parts[0], parts[1], tuple(zip(parts[2::2], parts[3::2], strict=True)), last)

    def compute_scores(self, X: FloatArray, Z: FloatArray | None = None) -> tuple[FloatArray, list[FloatArray]]:
        """Scores before softmax or sigmoid, shape (rows, outputs), and what entered each dense layer.

        ``X`` are log-odds for the members' weights, ``Z`` the same as the dense layers are to see them.
        """
        by_member = X.reshape(len(X), len(self.skip), len(self.bias))
        scores = np.einsum("rmk,m->rk", by_member, self.skip) + self.bias
        if self.last is None:
            return scores, []
        activations = [X if Z is None else Z]
        for kernel, bias in self.hidden:
            activations.append(np.maximum(activations[-1] @ kernel + bias, 0))
        return scores + activations[-1] @ self.last, activations

    def compute_gradient(self, X: FloatArray, activations: list[FloatArray], error: FloatArray) -> FloatArray:
        """Gradient of a loss by back-propagation, flat; ``error`` is its derivative by the scores."""
        by_member = X.reshape(len(X), len(self.skip), len(self.bias))
        parts: list[FloatArray] = [np.einsum("rmk,rk->m", by_member, error), error.sum(axis=0)]
        layer_gradients: list[FloatArray] = []
        if self.last is not None:
            layer_gradients.append(activations[-1].T @ error)
            error = (error @ self.last.T) * (activations[-1] > 0)
            for number in reversed(range(len(self.hidden))):
                kernel, _ = self.hidden[number]
                layer_gradients += [error.sum(axis=0), activations[number].T @ error]
                error = (error @ kernel.T) * (activations[number] > 0)
        return np.concatenate([part.ravel() for part in (*parts, *reversed(layer_gradients))])

    def astype(self, dtype: Any) -> Network:
        """Return it with numbers of another precision."""
        flat = np.concatenate([array.ravel() for array in self.list_weights()])
        return self.replace_weights(flat.astype(dtype))


@dataclass(frozen=True)
class Penalties:
    """L2 penalties, against the summed log loss.

    Attributes
    ----------
    skip
        Of the members' weights around what they start from, and of the biases around 0.
    kernels
        Of the dense layers' kernels.
    """

    skip: float
    kernels: float = 0.0

    def compute_cost(self, network: Network, start: Network) -> tuple[float, FloatArray]:
        """Return what a network's weights cost, and the derivative by them, flat."""
        offset = network.skip - start.skip
        parts = [self.skip * offset, self.skip * network.bias]
        for kernel, bias in network.hidden:
            parts += [self.kernels * kernel, np.zeros_like(bias)]
        if network.last is not None:
            parts.append(self.kernels * network.last)
        gradient = np.concatenate([part.ravel() for part in parts])
        kernels = [kernel for kernel, _ in network.hidden] + ([] if network.last is None else [network.last])
        squares = self.skip * (float(offset @ offset) + float(network.bias @ network.bias))
        return (squares + self.kernels * sum(float((kernel**2).sum()) for kernel in kernels)) / 2, gradient


def fit_network(
    X: NDArray[np.float32],
    Y: NDArray[np.float32],
    start: Network,
    penalties: Penalties,
    *,
    multiclass: bool,
    iterations: int,
    non_negative: bool = False,
    callback: Callable[[int, Network], None] | None = None,
) -> Network:
    """Fit a network from a start.

    Parameters
    ----------
    X, Y
        Log-odds, shape (rows, members * outputs), and targets 0 or 1, shape (rows, outputs).
    start
        Its kernels are of standardised log-odds; those of the result and of what ``callback`` is given take raw ones.
    penalties
        Of weights.
    multiclass
        Softmax instead of sigmoids.
    iterations
        The most.
    non_negative
        Whether members' weights are held at zero or above.
    callback
        Called with the number of the iteration and the network before the first and after each.
    """
    rows = _TrainingRows.standardise(X, Y, raw_alone=start.last is None)
    iteration = 0

    def build_network(flat: FloatArray) -> Network:
        return _fold_in_standardisation(start.replace_weights(flat.astype(np.float64)), rows.mean, rows.deviation)

    def count_iteration(intermediate_result: Any) -> None:
        nonlocal iteration
        iteration += 1
        if callback:
            callback(iteration, build_network(intermediate_result.x))

    flat = np.concatenate([array.ravel() for array in start.list_weights()]).astype(np.float64)
    if callback:
        callback(0, build_network(flat))
    bounds = [(0 if number < len(start.skip) else None, None) for number in range(flat.size)]
    with _map_in_threads(len(rows.blocks)) as map_blocks:
        fitted = minimize(
            lambda flat: _compute_objective(flat, start, rows, penalties, map_blocks, multiclass=multiclass),
            flat,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds if non_negative else None,
            callback=count_iteration,
            options={"maxiter": iterations},
        )
    return build_network(fitted.x)


@dataclass(frozen=True)
class _TrainingRows:
    """Rows that a network is fitted on, in blocks that stay in the processor's cache.

    Attributes
    ----------
    raw, standardised_odds
        Log-odds as the members' weights see them, and as the dense layers do.
    mean, deviation
        Of the log-odds, by column.
    """

    raw: FloatArray
    standardised_odds: FloatArray
    targets: FloatArray
    mean: FloatArray
    deviation: FloatArray

    @classmethod
    def standardise(cls, X: NDArray[np.float32], Y: NDArray[np.float32], *, raw_alone: bool) -> _TrainingRows:
        """Standardise log-odds, unless there are no dense layers to see them."""
        dtype: Any = np.float32 if X.size > MAX_FLOAT64_CELLS else np.float64
        raw: FloatArray = X.astype(dtype)
        mean, deviation = raw.mean(axis=0, dtype=np.float64), raw.std(axis=0, dtype=np.float64)
        deviation[deviation < 1e-6] = 1.0
        odds: FloatArray = raw if raw_alone else ((raw - mean) / deviation).astype(dtype)
        return cls(raw, odds, Y.astype(dtype), mean, deviation)

    @property
    def blocks(self) -> list[slice]:
        """All rows, in parts."""
        return [slice(first, first + BLOCK_ROWS) for first in range(0, len(self.raw), BLOCK_ROWS)]


def _compute_objective(
    flat: FloatArray,
    start: Network,
    rows: _TrainingRows,
    penalties: Penalties,
    map_blocks: Callable[..., Any],
    *,
    multiclass: bool,
) -> tuple[float, FloatArray]:
    """Return the penalised log loss of weights, and the derivative by them; ``map_blocks`` maps over blocks."""
    network = start.replace_weights(flat)
    working = network.astype(rows.raw.dtype)

    def compute_block(block: slice) -> tuple[float, FloatArray]:
        scores, activations = working.compute_scores(rows.raw[block], rows.standardised_odds[block])
        losses, error = compute_losses_and_errors(scores, rows.targets[block], multiclass=multiclass)
        return float(losses.sum(dtype=np.float64)), working.compute_gradient(rows.raw[block], activations, error)

    losses, gradients = zip(*map_blocks(compute_block, rows.blocks), strict=True)
    cost, slope = penalties.compute_cost(network, start)
    return sum(losses) + cost, np.sum(gradients, axis=0, dtype=np.float64) + slope


@contextmanager
def _map_in_threads(blocks: int) -> Iterator[Callable[..., Iterator[Any]]]:
    # Matrices this small lose more to the hand-over between BLAS's threads than they win: a tenth of the time with one.
    with threadpool_limits(1, user_api="blas"):
        if blocks == 1:
            yield map
        else:
            with ThreadPoolExecutor(THREADS) as pool:
                yield pool.map


def _fold_in_standardisation(network: Network, mean: FloatArray, deviation: FloatArray) -> Network:
    """Fold the standardisation of the inputs into the first kernel."""
    if network.last is None:
        return network
    if not network.hidden:
        last = network.last / deviation[:, None]
        return Network(network.skip, network.bias - mean @ last, (), last)
    kernel, bias = network.hidden[0]
    first = (kernel / deviation[:, None], bias - (mean / deviation) @ kernel)
    return Network(network.skip, network.bias, (first, *network.hidden[1:]), network.last)
