"""A regularised linear head on frozen features, its strength chosen by the folds it is trained on."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from ..competition.metrics.metrics import row_losses

# Inverse strengths of the L2 penalty, the strongest first: half decades, on standardised features.
STRENGTHS = tuple(float(10**exponent) for exponent in np.arange(-4.0, 1.01, 0.5))
# The path ends once this many weaker penalties in a row were worse than the best.
PATIENCE = 2


class LinearHead(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Logistic regression on standardised features.

    The penalty is the strongest one whose inner held-out loss lies within one standard error, of the paired
    difference, of the best (the one-standard-error rule of Breiman et al., Classification and Regression Trees, 1984).

    Parameters
    ----------
    exclusive
        True for one class a row (softmax), False for independent outputs (sigmoid; one output is the binary task).
    strengths
        Inverse penalties to choose from, ascending.

    Attributes
    ----------
    kernel_, bias_
        Weights for raw features, shapes (width, outputs) and (outputs,); standardisation is folded in.
    strength_
        The chosen inverse penalty.
    """

    def __init__(self, *, exclusive: bool, strengths: tuple[float, ...] = STRENGTHS) -> None:
        self.exclusive = exclusive
        self.strengths = strengths

    def fit(
        self,
        X: NDArray[np.float32],
        Y: NDArray[np.float32],
        folds: NDArray[np.int64],
        *,
        views: int = 1,
        weights: NDArray[np.float32] | None = None,
    ) -> LinearHead:
        """Choose the strength by the inner ``folds``, then fit on all rows.

        Parameters
        ----------
        X
            Features of shape (views x rows, width): all rows as one view shows them, then as the next does.
        Y, folds
            Targets 0 or 1 of shape (rows, outputs), and the fold of each row; each is held out once, in all its views,
            to choose the strength.
        views
            How many there are of each row.
        weights
            Of each output where it is absent and where it is present, shape (2, outputs); None for 1.
        """
        Y, folds = np.tile(Y, (views, 1)), np.tile(folds, views)
        row_weights = _row_weights(Y, weights, exclusive=self.exclusive)
        mean = X.mean(axis=0, dtype=np.float64)
        deviation = X.std(axis=0, dtype=np.float64)
        deviation[deviation < 1e-6] = 1.0
        Z = ((X - mean) / deviation).astype(np.float32)
        # L-BFGS is a chain of small products, which the hand-over between threads slows down several times.
        with threadpool_limits(1, user_api="blas"):
            self.strength_ = self._choose_strength(Z, Y, folds, row_weights, views)
            path = _Path(Z, Y, row_weights, exclusive=self.exclusive)
            for strength in self.strengths[: self.strengths.index(self.strength_) + 1]:
                kernel, bias = path.fit(strength)
        self.kernel_ = (kernel / deviation[:, None]).astype(np.float32)
        self.bias_ = (bias - (mean / deviation) @ kernel).astype(np.float32)
        return self

    def _choose_strength(
        self,
        Z: NDArray[np.float32],
        Y: NDArray[np.float32],
        folds: NDArray[np.int64],
        row_weights: NDArray[np.float64],
        views: int,
    ) -> float:
        parts = [(folds != fold, folds == fold) for fold in np.unique(folds)]
        if len(parts) < 2:
            return self.strengths[len(self.strengths) // 2]
        paths = [_Path(Z[rest], Y[rest], row_weights[rest], exclusive=self.exclusive) for rest, _ in parts]
        losses: list[NDArray[np.float64]] = []
        for strength in self.strengths:
            inner = np.empty(len(Z))
            for path, (_, held_out) in zip(paths, parts, strict=True):
                kernel, bias = path.fit(strength)
                scores = Z[held_out] @ kernel + bias
                inner[held_out] = row_losses(
                    Y[held_out], probabilities(scores, exclusive=self.exclusive), exclusive=self.exclusive
                )
            # The standard error counts photos, not their views.
            losses.append((inner * row_weights.mean(axis=1)).reshape(views, -1).mean(axis=0))
            if len(losses) - 1 - _best(losses) >= PATIENCE:
                break
        return self.strengths[_strongest_within_error(losses)]

    def predict_proba(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities of shape (rows, outputs)."""
        check_is_fitted(self)
        return probabilities(X @ self.kernel_ + self.bias_, exclusive=self.exclusive)


def probabilities(scores: NDArray[Any], *, exclusive: bool) -> NDArray[np.float32]:
    """Softmax over the last axis, or a sigmoid of each score, in float32."""
    scores = np.asarray(scores, dtype=np.float32)
    if exclusive:
        powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True), dtype=np.float32)
    small = np.exp(-np.abs(scores))
    return np.asarray(np.where(scores >= 0, 1 / (1 + small), small / (1 + small)), dtype=np.float32)


def _row_weights(
    Y: NDArray[np.float32], weights: NDArray[np.float32] | None, *, exclusive: bool
) -> NDArray[np.float64]:
    """Weight of each row in each fit, shape (rows, fits): one fit where classes are exclusive, else one an output."""
    if weights is None:
        return np.ones((len(Y), 1 if exclusive else Y.shape[1]))
    if exclusive:
        return np.asarray((Y @ weights[1])[:, None], dtype=np.float64)
    return np.asarray(np.where(Y > 0.5, weights[1], weights[0]), dtype=np.float64)


def _best(losses: list[NDArray[np.float64]]) -> int:
    return int(np.argmin([loss.mean() for loss in losses]))


def _strongest_within_error(losses: list[NDArray[np.float64]]) -> int:
    best = losses[_best(losses)]
    for index, loss in enumerate(losses):
        difference = loss - best
        if difference.mean() <= difference.std() / np.sqrt(len(difference)):
            return index
    return _best(losses)


class _Path:
    """Fits of ever weaker penalties on the same rows, each started from the one before."""

    def __init__(
        self, Z: NDArray[np.float32], Y: NDArray[np.float32], row_weights: NDArray[np.float64], *, exclusive: bool
    ) -> None:
        self.Z = Z
        self.row_weights = row_weights.T
        self.exclusive = exclusive
        self.columns = [Y.argmax(axis=1)] if exclusive else [column > 0.5 for column in Y.T]
        self.outputs = Y.shape[1]
        self.models = [LogisticRegression(warm_start=True, max_iter=500, tol=1e-3) for _ in self.columns]

    def fit(self, strength: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return kernel (width, outputs) and bias (outputs,)."""
        each = zip(self.models, self.columns, self.row_weights, strict=True)
        parts = [self._fit_one(*one, strength) for one in each]
        kernel = np.concatenate([part[0] for part in parts], axis=1)
        return kernel, np.concatenate([part[1] for part in parts])

    def _fit_one(
        self, model: Any, labels: NDArray[Any], row_weights: NDArray[np.float64], strength: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        present = np.unique(labels)
        if len(present) < 2:
            return self._constant(int(present[0]), len(labels))
        model.C = strength
        with warnings.catch_warnings():
            # A path need not converge at each step; the held-out loss judges what came out.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(self.Z, labels, None if (row_weights == 1).all() else row_weights)
        kernel, bias = model.coef_.T.astype(np.float64), model.intercept_.astype(np.float64)
        return self._spread(kernel, bias, present) if self.exclusive else (kernel, bias)

    def _spread(
        self, kernel: NDArray[np.float64], bias: NDArray[np.float64], present: NDArray[Any]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give each class its column; one without rows gets about the probability of one row among all."""
        if kernel.shape[1] == 1:  # scikit-learn's form for two classes
            kernel, bias = np.hstack([-kernel / 2, kernel / 2]), np.concatenate([-bias / 2, bias / 2])
        scores = self.Z @ kernel + bias
        typical = float(np.log(np.exp(scores - scores.max()).sum(axis=1)).mean() + scores.max())
        full_kernel = np.zeros((kernel.shape[0], self.outputs))
        full_bias = np.full(self.outputs, typical - np.log(len(self.Z) + 1))
        full_kernel[:, present], full_bias[present] = kernel, bias
        return full_kernel, full_bias

    def _constant(self, only: int, rows: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Predict the only class seen, with the certainty of ``rows`` rows."""
        if self.exclusive:
            bias = np.zeros(self.outputs)
            bias[only] = np.log(rows + 1)
        else:
            bias = np.array([np.log(2 * rows + 1) * (1 if only else -1)])
        return np.zeros((self.Z.shape[1], len(bias))), bias
