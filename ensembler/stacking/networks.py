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

Float = NDArray[np.floating]
# Rows worked on at a time: they stay in the processor's cache, and two threads find blocks enough.
BLOCK = 8192
THREADS = 2
# Numbers of the input beyond which float32 is exact enough and twice as fast.
LARGE = 1_000_000


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

    skip: Float
    bias: Float
    hidden: tuple[tuple[Float, Float], ...] = ()
    last: Float | None = None

    @classmethod
    def mean(cls, members: int, outputs: int) -> Network:
        """Return the plain mean of log-odds."""
        return cls(np.full(members, 1 / members), np.zeros(outputs))

    @classmethod
    def start(cls, plain: Network, widths: Sequence[int], seed: int = 0) -> Network:
        """Begin as a network of members' weights alone: the last kernel is zero, those before it He's (ICCV 2015)."""
        random = np.random.default_rng(seed)
        outputs = len(plain.bias)
        sizes = (len(plain.skip) * outputs, *widths)
        hidden = [
            (random.normal(0, np.sqrt(2 / width), (width, following)), np.zeros(following))
            for width, following in pairwise(sizes)
        ]
        return cls(plain.skip, plain.bias, tuple(hidden), np.zeros((sizes[-1], outputs)))

    def arrays(self) -> list[Float]:
        """All weights, in the order of :meth:`filled`."""
        last = [] if self.last is None else [self.last]
        return [self.skip, self.bias, *(array for layer in self.hidden for array in layer), *last]

    def filled(self, flat: Float) -> Network:
        """Return a network of this one's shapes with the weights of ``flat``."""
        parts, start = [], 0
        for array in self.arrays():
            parts.append(flat[start : start + array.size].reshape(array.shape))
            start += array.size
        last = None if self.last is None else parts.pop()
        return Network(parts[0], parts[1], tuple(zip(parts[2::2], parts[3::2], strict=True)), last)

    def scores(self, X: Float, Z: Float | None = None) -> tuple[Float, list[Float]]:
        """Scores before softmax or sigmoid, shape (rows, outputs), and what entered each dense layer.

        ``X`` are log-odds for the members' weights, ``Z`` the same as the dense layers are to see them.
        """
        by_member = X.reshape(len(X), len(self.skip), len(self.bias))
        scores = np.einsum("rmk,m->rk", by_member, self.skip) + self.bias
        if self.last is None:
            return scores, []
        flows = [X if Z is None else Z]
        for kernel, bias in self.hidden:
            flows.append(np.maximum(flows[-1] @ kernel + bias, 0))
        return scores + flows[-1] @ self.last, flows

    def gradient(self, X: Float, flows: list[Float], error: Float) -> Float:
        """Gradient of a loss by back-propagation, flat; ``error`` is its derivative by the scores."""
        by_member = X.reshape(len(X), len(self.skip), len(self.bias))
        parts: list[Float] = [np.einsum("rmk,rk->m", by_member, error), error.sum(axis=0)]
        deeper: list[Float] = []
        if self.last is not None:
            deeper.append(flows[-1].T @ error)
            error = (error @ self.last.T) * (flows[-1] > 0)
            for number in reversed(range(len(self.hidden))):
                kernel, _ = self.hidden[number]
                deeper += [error.sum(axis=0), flows[number].T @ error]
                error = (error @ kernel.T) * (flows[number] > 0)
        return np.concatenate([part.ravel() for part in (*parts, *reversed(deeper))])

    def astype(self, dtype: Any) -> Network:
        """Return it with numbers of another precision."""
        flat = np.concatenate([array.ravel() for array in self.arrays()])
        return self.filled(flat.astype(dtype))


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

    def cost(self, network: Network, start: Network) -> tuple[float, Float]:
        """Return what a network's weights cost, and the derivative by them, flat."""
        apart = network.skip - start.skip
        parts = [self.skip * apart, self.skip * network.bias]
        for kernel, bias in network.hidden:
            parts += [self.kernels * kernel, np.zeros_like(bias)]
        if network.last is not None:
            parts.append(self.kernels * network.last)
        gradient = np.concatenate([part.ravel() for part in parts])
        kernels = [kernel for kernel, _ in network.hidden] + ([] if network.last is None else [network.last])
        squares = self.skip * (float(apart @ apart) + float(network.bias @ network.bias))
        return (squares + self.kernels * sum(float((kernel**2).sum()) for kernel in kernels)) / 2, gradient


def fit_network(
    X: NDArray[np.float32],
    Y: NDArray[np.float32],
    start: Network,
    penalties: Penalties,
    *,
    exclusive: bool,
    iterations: int,
    non_negative: bool = False,
    watch: Callable[[int, Network], None] | None = None,
) -> Network:
    """Fit a network from a start.

    Parameters
    ----------
    X, Y
        Log-odds, shape (rows, members * outputs), and targets 0 or 1, shape (rows, outputs).
    start
        Its kernels are of standardised log-odds; those of the result and of what ``watch`` is given take raw ones.
    penalties
        Of weights.
    exclusive
        Softmax instead of sigmoids.
    iterations
        The most.
    non_negative
        Whether members' weights are held at zero or above.
    watch
        Called with the number of the iteration and the network before the first and after each.
    """
    rows = _Rows.standardised(X, Y, raw_alone=start.last is None)
    done = 0

    def finished(flat: Float) -> Network:
        return _unstandardised(start.filled(flat.astype(np.float64)), rows.mean, rows.deviation)

    def called(intermediate_result: Any) -> None:
        nonlocal done
        done += 1
        if watch:
            watch(done, finished(intermediate_result.x))

    flat = np.concatenate([array.ravel() for array in start.arrays()]).astype(np.float64)
    if watch:
        watch(0, finished(flat))
    bounds = [(0 if number < len(start.skip) else None, None) for number in range(flat.size)]
    with _in_threads(len(rows.blocks)) as each:
        fitted = minimize(
            lambda flat: _loss_and_gradient(flat, start, rows, penalties, each, exclusive=exclusive),
            flat,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds if non_negative else None,
            callback=called,
            options={"maxiter": iterations},
        )
    return finished(fitted.x)


@dataclass(frozen=True)
class _Rows:
    """Rows that a network is fitted on, in blocks that stay in the processor's cache.

    Attributes
    ----------
    raw, standardised_odds
        Log-odds as the members' weights see them, and as the dense layers do.
    mean, deviation
        Of the log-odds, by column.
    """

    raw: Float
    standardised_odds: Float
    targets: Float
    mean: Float
    deviation: Float

    @classmethod
    def standardised(cls, X: NDArray[np.float32], Y: NDArray[np.float32], *, raw_alone: bool) -> _Rows:
        """Standardise log-odds, unless there are no dense layers to see them."""
        dtype: Any = np.float32 if X.size > LARGE else np.float64
        raw: Float = X.astype(dtype)
        mean, deviation = raw.mean(axis=0, dtype=np.float64), raw.std(axis=0, dtype=np.float64)
        deviation[deviation < 1e-6] = 1.0
        odds: Float = raw if raw_alone else ((raw - mean) / deviation).astype(dtype)
        return cls(raw, odds, Y.astype(dtype), mean, deviation)

    @property
    def blocks(self) -> list[slice]:
        """All rows, in parts."""
        return [slice(first, first + BLOCK) for first in range(0, len(self.raw), BLOCK)]


def _loss_and_gradient(
    flat: Float, start: Network, rows: _Rows, penalties: Penalties, each: Callable[..., Any], *, exclusive: bool
) -> tuple[float, Float]:
    """Return the penalised log loss of weights, and the derivative by them; ``each`` maps over blocks."""
    network = start.filled(flat)
    working = network.astype(rows.raw.dtype)

    def of_block(block: slice) -> tuple[float, Float]:
        scores, flows = working.scores(rows.raw[block], rows.standardised_odds[block])
        loss, error = loss_and_error(scores, rows.targets[block], exclusive=exclusive)
        return loss, working.gradient(rows.raw[block], flows, error)

    losses, gradients = zip(*each(of_block, rows.blocks), strict=True)
    cost, slope = penalties.cost(network, start)
    return sum(losses) + cost, np.sum(gradients, axis=0, dtype=np.float64) + slope


@contextmanager
def _in_threads(blocks: int) -> Iterator[Callable[..., Iterator[Any]]]:
    # Matrices this small lose more to the hand-over between BLAS's threads than they win: a tenth of the time with one.
    with threadpool_limits(1, user_api="blas"):
        if blocks == 1:
            yield map
        else:
            with ThreadPoolExecutor(THREADS) as pool:
                yield pool.map


def loss_and_error(scores: Float, targets: Float, *, exclusive: bool) -> tuple[float, Float]:
    """Return the summed log loss, and its derivative by the scores."""
    if exclusive:
        shifted = scores - scores.max(axis=1, keepdims=True)
        powers = np.exp(shifted)
        sums = powers.sum(axis=1, keepdims=True)
        loss = np.log(sums).sum(dtype=np.float64) - (targets * shifted).sum(dtype=np.float64)
        return float(loss), powers / sums - targets
    logs = np.logaddexp(0, -scores)
    return float((logs + (1 - targets) * scores).sum(dtype=np.float64)), np.exp(-logs) - targets


def _unstandardised(network: Network, mean: Float, deviation: Float) -> Network:
    """Fold the standardisation of the inputs into the first kernel."""
    if network.last is None:
        return network
    if not network.hidden:
        last = network.last / deviation[:, None]
        return Network(network.skip, network.bias - mean @ last, (), last)
    kernel, bias = network.hidden[0]
    first = (kernel / deviation[:, None], bias - (mean / deviation) @ kernel)
    return Network(network.skip, network.bias, (first, *network.hidden[1:]), network.last)
