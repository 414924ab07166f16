"""Logistic regressions on parts of the same rows, fitted side by side from strong to weak penalties."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from .blas_threads import limit_blas_threads
from .lbfgs import minimise_batched
from .links import compute_losses_and_errors
from .soft_targets import SoftTargets, compute_distillation_losses_and_errors
from .stacked_views import Rows

Float = NDArray[np.floating]
# Maximum number of outputs, summed over fits, in one matrix product. Larger products are not faster.
MAX_OUTPUTS_PER_PRODUCT = 256
# Largest absolute component of the gradient of the mean loss at a solution, and maximum iterations for each penalty.
TOLERANCE, MAX_ITERATIONS = 3e-4, 200
# Size of a product below which threads cost more than they gain.
MIN_THREADED_SIZE = 20_000_000
# Rows that are converted to double precision at once.
CHUNK_ROWS = 8192
# A score at which the softmax is 0.
IMPOSSIBLE_SCORE = -1e9


@dataclass(frozen=True)
class Linear:
    """A linear function of raw features.

    Attributes
    ----------
    kernel, bias
        Weights, shapes (width, outputs) and (outputs,).
    """

    kernel: Float
    bias: Float


class LogisticFits:
    """Logistic regressions that each leave out some groups of rows.

    The penalty applies to weights of features that are standardised by the rows of each fit. All fits share one
    standardised copy of the features. A factor per feature and fit corrects the difference, so the omitted rows do not
    influence a fit.

    Parameters
    ----------
    X
        Features, shape (rows, width).
    Y
        Targets 0 or 1, shape (rows, outputs).
    groups
        Group of each row, shape (rows,).
    left_out
        Groups that each fit leaves out.
    row_weights
        Weights of the rows, shape (rows, outputs), or (rows, 1) where classes are exclusive.
    multiclass
        Whether the outputs are exclusive classes.
    soft
        Soft targets of the rows. None fits the targets alone.
    raise_if_stopping
        Called before each pass over the rows. An exception ends the work.
    """

    def __init__(
        self,
        X: Rows,
        Y: NDArray[np.float32],
        groups: NDArray[np.int64],
        left_out: Sequence[frozenset[int]],
        row_weights: NDArray[np.float64],
        *,
        multiclass: bool,
        soft: SoftTargets | None = None,
        raise_if_stopping: Callable[[], None] = lambda: None,
    ) -> None:
        self.multiclass = multiclass
        self.left_out = left_out
        self._soft = soft
        softened = None if soft is None else soft.soften(multiclass=multiclass)
        self._raise_if_stopping = raise_if_stopping
        group_rows = {name: np.flatnonzero(groups == name) for name in np.unique(groups).tolist()}
        group_moments = [_compute_moments(X, rows) for rows in group_rows.values()]
        # Sums, sums of squares, and numbers of rows by group.
        moments = [np.array(each) for each in zip(*group_moments, strict=True)]
        self._mean, deviation = _compute_mean_and_deviation(*(each.sum(axis=0) for each in moments))
        self._deviation = np.where(deviation > 0, deviation, 1.0)
        self._blocks = {}
        for name, rows in group_rows.items():
            features = np.empty((len(rows), X.shape[1]), np.float32)
            for chunk in _iterate_chunks(len(rows)):
                features[chunk] = (X[rows[chunk]] - self._mean) / self._deviation
            targets, weights = Y[rows].astype(np.float32), row_weights[rows].astype(np.float32)
            self._blocks[name] = _Block(features, targets, weights, None if softened is None else softened[rows])
        kept = [[name not in out for name in group_rows] for out in left_out]
        own = np.array([_compute_mean_and_deviation(*(each[one].sum(axis=0) for each in moments))[1] for one in kept])
        # Features that are constant in the rows of a fit get no weight in it.
        self._factor = np.where(own > 0, self._deviation / np.where(own > 0, own, 1.0), 0.0).astype(np.float32)
        self._learned = [[block for name, block in self._blocks.items() if name not in out] for out in left_out]
        self._rows = np.array([sum(len(block.targets) for block in blocks) for blocks in self._learned])
        self._weight = np.array([sum(float(block.weights.sum()) for block in blocks) for blocks in self._learned])
        present = np.array([sum(block.count_present() for block in blocks) for blocks in self._learned])
        self._present = present > 0
        self._unlearnable = ~self._present if multiclass else ~self._present | (present >= self._rows[:, None])
        if not multiclass:
            self._weight /= max(1, row_weights.shape[1])
        outputs, width = Y.shape[1], X.shape[1]
        self._weights = np.zeros((len(left_out), width + 1, outputs), np.float32)

    def fit(self, inverse_penalty: float) -> list[Linear]:
        """Fit all regressions with a penalty, starting from the solutions of the previous penalty."""
        fits, _, outputs = self._weights.shape
        fits_per_product = max(1, MAX_OUTPUTS_PER_PRODUCT // outputs)
        rows = int(self._rows.max())
        is_small = rows * self._weights.shape[1] * min(fits, fits_per_product) * outputs < MIN_THREADED_SIZE
        with limit_blas_threads(1 if is_small else None):
            for first in range(0, fits, fits_per_product):
                chosen = np.arange(first, min(first + fits_per_product, fits))
                self._weights[chosen] = self._solve(chosen, inverse_penalty)
        return [self._fold_standardisation(fit) for fit in range(fits)]

    def _solve(self, chosen: NDArray[np.int64], inverse_penalty: float) -> Float:
        start = self._weights[chosen]
        learnable = ~self._unlearnable[chosen][:, None, :]
        # Two softmax columns share one difference. The doubled penalty equals that of a single output.
        pair = self.multiclass & (self._present[chosen].sum(axis=1) == 2)
        scale = (np.where(pair, 2, 1) / (inverse_penalty * self._weight[chosen])).astype(np.float32)
        penalty = np.zeros(start.shape[:2], np.float32)
        penalty[:, :-1] = scale[:, None]

        def compute_objective(flat: Float) -> tuple[Float, Float]:
            self._raise_if_stopping()
            weights = flat.reshape(start.shape)
            value, gradient = self._compute_losses(chosen, weights)
            shrunk = penalty[:, :, None] * weights
            value += np.einsum("kwo,kwo->k", shrunk, weights, dtype=np.float64) / 2
            gradient = (gradient + shrunk) * learnable
            return value, gradient.reshape(len(chosen), -1)

        solution = minimise_batched(
            compute_objective, start.reshape(len(chosen), -1), tolerance=TOLERANCE, max_iterations=MAX_ITERATIONS
        )
        return solution.reshape(start.shape)

    def _compute_losses(self, chosen: NDArray[np.int64], weights: Float) -> tuple[Float, Float]:
        """Return the mean loss of each fit over its rows, and its gradient."""
        values, gradient = np.zeros(len(chosen)), np.zeros_like(weights)
        for name, block in self._blocks.items():
            here = [place for place, fit in enumerate(chosen) if name not in self.left_out[fit]]
            if not here:
                continue
            part = weights[here]
            factor = self._factor[chosen[here]][:, :, None]
            kernels = (part[:, :-1] * factor).transpose(1, 0, 2).reshape(block.features.shape[1], -1)
            scores = (block.features @ kernels).reshape(len(block.targets), len(here), -1) + part[:, -1]
            if self.multiclass:
                scores[:, self._unlearnable[chosen[here]]] = IMPOSSIBLE_SCORE
            losses, errors = self._compute_row_losses(scores, block)
            row_weights = block.weights[:, None, :]
            share = (1 / self._weight[chosen[here]]).astype(np.float32)
            errors *= row_weights
            errors *= share[None, :, None]
            values[here] += (losses * row_weights).sum(axis=(0, 2), dtype=np.float64) * share
            slopes = block.features.T @ errors.reshape(len(errors), -1)
            gradient[here, :-1] += slopes.reshape(-1, len(here), errors.shape[2]).transpose(1, 0, 2) * factor
            gradient[here, -1] += errors.sum(axis=0)
        return values, gradient

    def _compute_row_losses(self, scores: Float, block: _Block) -> tuple[Float, Float]:
        targets = block.targets[:, None, :]
        if self._soft is None or block.softened is None:
            return compute_losses_and_errors(scores, targets, multiclass=self.multiclass)
        return compute_distillation_losses_and_errors(
            scores, targets, block.softened[:, None, :], self._soft, multiclass=self.multiclass
        )

    def compute_scores(self, group: int, linear: Linear) -> Float:
        """Return the scores of the rows of a group in their order."""
        block = self._blocks[group]
        kernel = linear.kernel * self._deviation[:, None]
        return np.asarray(block.features @ kernel.astype(np.float32) + (linear.bias + self._mean @ linear.kernel))

    def _fold_standardisation(self, fit: int) -> Linear:
        """Return a fit for raw features. The bias of an output in all rows, or in none, follows Laplace's rule."""
        weights, unlearnable = self._weights[fit].astype(np.float64), self._unlearnable[fit]
        kernel, bias = weights[:-1] * ~unlearnable * self._factor[fit][:, None], weights[-1] * ~unlearnable
        rows = int(self._rows[fit])
        if self.multiclass and unlearnable.any():
            if (~unlearnable).sum() == 1:
                kernel, bias = np.zeros_like(kernel), np.where(unlearnable, 0.0, np.log(rows + 1))
            else:
                learned, offset = kernel[:, ~unlearnable].astype(np.float32), bias[~unlearnable]
                sums = (logsumexp(block.features @ learned + offset, axis=1).sum() for block in self._learned[fit])
                bias[unlearnable] = sum(map(float, sums)) / max(rows, 1) - np.log(rows + 1)
        elif not self.multiclass:
            always = self._present[fit]
            bias = np.where(unlearnable, np.log(2 * rows + 1) * np.where(always, 1, -1), bias)
        raw = kernel / self._deviation[:, None]
        return Linear(raw, bias - self._mean @ raw)


@dataclass(frozen=True)
class _Block:
    """The rows of one group: standardised features, targets, weights, and soft targets at their temperature."""

    features: NDArray[np.float32]
    targets: NDArray[np.float32]
    weights: NDArray[np.float32]
    softened: NDArray[np.float32] | None

    def count_present(self) -> NDArray[np.float32]:
        """Return the number of rows in which each output is present. Soft targets hold a part of every output."""
        labels = self.targets if self.softened is None else (self.targets + self.softened) / 2
        return np.asarray(labels.sum(axis=0))


def _iterate_chunks(rows: int) -> Iterator[slice]:
    """Divide rows into chunks whose copies in double precision fit into little memory."""
    return (slice(first, first + CHUNK_ROWS) for first in range(0, rows, CHUNK_ROWS))


def _compute_moments(X: Rows, rows: NDArray[np.int64]) -> tuple[Float, Float, int]:
    """Return the sums of features and of their squares, shape (width,), and the number of rows."""
    sums, squares = np.zeros(X.shape[1]), np.zeros(X.shape[1])
    for chunk in _iterate_chunks(len(rows)):
        features = X[rows[chunk]].astype(np.float64)
        sums += features.sum(axis=0)
        squares += np.einsum("ij,ij->j", features, features)
    return sums, squares, len(rows)


def _compute_mean_and_deviation(sums: Float, squares: Float, count: float) -> tuple[Float, Float]:
    """Return the mean and the standard deviation of each feature, which is 0 for a constant feature."""
    mean = sums / max(count, 1)
    variance = np.maximum(squares / max(count, 1) - mean**2, 0)
    # A tiny difference of large squares is a rounding error.
    return mean, np.where(variance <= np.maximum(1e-12, 1e-12 * mean**2), 0.0, np.sqrt(variance))
