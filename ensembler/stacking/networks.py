"""The network of meta-learners: one weight per member plus dense layers, fitted with L-BFGS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.optimize import minimize

from ..heads.blas_threads import limit_blas_threads
from ..heads.links import Float32Array, FloatArray, compute_losses_and_errors

# Number of rows in a block, which fits into the processor's cache and leaves enough blocks for two threads.
BLOCK_ROWS = 8192
THREADS = 2
# Number of input values above which float32 is exact enough and twice as fast.
MAX_FLOAT64_CELLS = 1_000_000


@dataclass(frozen=True)
class Network:
    """A network from the members' log-odds to scores before softmax or sigmoid.

    The scores are the sum of the members' log-odds weighted by ``skip``, the bias, and dense layers.

    Attributes
    ----------
    skip
        Weight of each member, shape (members,).
    bias
        Bias of each output, shape (outputs,).
    hidden
        Kernel and bias of each rectified layer.
    last
        Kernel from the last rectified layer, or from the log-odds without such layers, to the outputs. None for a
        network without dense layers.
    """

    skip: FloatArray
    bias: FloatArray
    hidden: tuple[tuple[FloatArray, FloatArray], ...] = ()
    last: FloatArray | None = None

    @classmethod
    def build_mean(cls, members: int, outputs: int) -> Network:
        """Create the plain mean of log-odds."""
        return cls(np.full(members, 1 / members), np.zeros(outputs))

    @classmethod
    def build_start(cls, plain: Network, widths: Sequence[int], seed: int = 0) -> Network:
        """Create a network with the scores of ``plain``: the last kernel is zero, the others are He's (ICCV 2015)."""
        random = np.random.default_rng(seed)
        outputs = len(plain.bias)
        sizes = (len(plain.skip) * outputs, *widths)
        hidden = [
            (random.normal(0, np.sqrt(2 / width), (width, following)), np.zeros(following))
            for width, following in pairwise(sizes)
        ]
        return cls(plain.skip, plain.bias, tuple(hidden), np.zeros((sizes[-1], outputs)))

    def list_weights(self) -> list[FloatArray]:
        """Return all weights in the order of :meth:`replace_weights`."""
        last = [] if self.last is None else [self.last]
        return [self.skip, self.bias, *(array for layer in self.hidden for array in layer), *last]

    def replace_weights(self, flat: FloatArray) -> Network:
        """Return a network of the same shapes with the weights of ``flat``."""
        parts, start = [], 0
        for array in self.list_weights():
            parts.append(flat[start : start + array.size].reshape(array.shape))
            start += array.size
        last = None if self.last is None else parts.pop()
        return Network(parts[0], parts[1], tuple(zip(parts[2::2], parts[3::2], strict=True)), last)

    def compute_scores(self, X: FloatArray, Z: FloatArray | None = None) -> tuple[FloatArray, list[FloatArray]]:
        """Return scores before softmax or sigmoid, shape (rows, outputs), and the input of each dense layer.

        ``X`` are the log-odds for the members' weights, ``Z`` those for the dense layers. None uses ``X``.
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
        """Return the flat gradient of a loss by back-propagation. ``error`` is its derivative by the scores."""
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

    def flatten(self) -> FloatArray:
        """Return all weights in one array."""
        return np.concatenate([array.ravel() for array in self.list_weights()])


@dataclass(frozen=True)
class Penalties:
    """L2 penalties, relative to the summed log loss.

    Attributes
    ----------
    skip
        Penalty on the distance of the members' weights from their start, and of the biases of the outputs from 0.
    kernels
        Penalty on the kernels of the dense layers.
    """

    skip: float
    kernels: float = 0.0

    def compute_cost(self, network: Network, start: Network) -> tuple[float, FloatArray]:
        """Return the penalty of a network's weights and its flat gradient."""
        strengths = [self.skip, self.skip, *(self.kernels, 0.0) * len(network.hidden), self.kernels]
        centres = [start.skip] + [0.0] * (len(strengths) - 1)
        weights = network.list_weights()
        cost, slopes = 0.0, []
        # A network without dense layers has no last kernel.
        for array, centre, strength in zip(weights, centres, strengths, strict=False):
            offset = (array - centre).ravel()
            cost += strength / 2 * float(offset @ offset)
            slopes.append(strength * offset)
        return cost, np.concatenate(slopes)


def fit_network(
    X: Float32Array,
    Y: Float32Array,
    start: Network,
    penalties: Penalties,
    *,
    multiclass: bool,
    iterations: int,
    non_negative: bool = False,
    callback: Callable[[int, Network], None] | None = None,
) -> Network:
    """Fit a network by L-BFGS.

    Parameters
    ----------
    X, Y
        Log-odds, shape (rows, members * outputs), and targets 0 or 1, shape (rows, outputs).
    start
        Starting network. Its kernels expect standardised log-odds. Those of the result and of the networks in
        ``callback`` expect raw ones.
    penalties
        L2 penalties of the weights.
    multiclass
        Whether the outputs are exclusive classes (softmax) rather than independent (sigmoid).
    iterations
        Maximum number of iterations.
    non_negative
        Whether members' weights must be at least zero.
    callback
        Called with the number of the iteration and the network, before the first iteration and after each.
    """
    dtype: Any = np.float32 if X.size > MAX_FLOAT64_CELLS else np.float64
    raw, targets = X.astype(dtype), Y.astype(dtype)
    mean, deviation = raw.mean(axis=0, dtype=np.float64), raw.std(axis=0, dtype=np.float64)
    deviation[deviation < 1e-6] = 1.0
    # Only dense layers use standardised log-odds.
    standardised = raw if start.last is None else ((raw - mean) / deviation).astype(dtype)
    blocks = [slice(first, first + BLOCK_ROWS) for first in range(0, len(raw), BLOCK_ROWS)]
    iterations_done = 0

    def build_network(flat: FloatArray) -> Network:
        return _fold_in_standardisation(start.replace_weights(flat.astype(np.float64)), mean, deviation)

    def count_iteration(intermediate_result: Any) -> None:
        nonlocal iterations_done
        iterations_done += 1
        if callback:
            callback(iterations_done, build_network(intermediate_result.x))

    def compute_objective(flat: FloatArray) -> tuple[float, FloatArray]:
        working = start.replace_weights(flat.astype(dtype))

        def compute_block(block: slice) -> tuple[float, FloatArray]:
            scores, activations = working.compute_scores(raw[block], standardised[block])
            losses, error = compute_losses_and_errors(scores, targets[block], multiclass=multiclass)
            return float(losses.sum(dtype=np.float64)), working.compute_gradient(raw[block], activations, error)

        losses, gradients = zip(*map_blocks(compute_block, blocks), strict=True)
        cost, slope = penalties.compute_cost(start.replace_weights(flat), start)
        return sum(losses) + cost, np.sum(gradients, axis=0, dtype=np.float64) + slope

    flat = start.flatten().astype(np.float64)
    if callback:
        callback(0, build_network(flat))
    bounds = [(0, None)] * len(start.skip) + [(None, None)] * (flat.size - len(start.skip)) if non_negative else None
    # One thread of BLAS takes a tenth of the time of several, because the matrices are small.
    with limit_blas_threads(1), ThreadPoolExecutor(THREADS) as pool:
        map_blocks = pool.map if len(blocks) > 1 else map
        fitted = minimize(
            compute_objective,
            flat,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            callback=count_iteration,
            options={"maxiter": iterations},
        )
    return build_network(fitted.x)


def _fold_in_standardisation(network: Network, mean: FloatArray, deviation: FloatArray) -> Network:
    """Return a network of raw inputs, whose first kernel includes the standardisation."""
    if network.last is None:
        return network
    if not network.hidden:
        last = network.last / deviation[:, None]
        return Network(network.skip, network.bias - mean @ last, (), last)
    kernel, bias = network.hidden[0]
    first = (kernel / deviation[:, None], bias - (mean / deviation) @ kernel)
    return Network(network.skip, network.bias, (first, *network.hidden[1:]), network.last)
