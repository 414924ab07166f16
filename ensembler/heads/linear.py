"""A regularised linear head on frozen features. Inner folds choose its penalty."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ..competition.folds.splits import NOT_HELD_OUT
from ..competition.metrics.comparisons import choose_within_one_error
from ..competition.metrics.metrics import compute_row_losses
from .links import Float32Array, compute_probabilities
from .logistic_fits import Linear, LogisticFits
from .soft_targets import SoftTargets
from .stacked_views import Rows

# Inverse L2 penalties on standardised features in half decades, the strongest penalty first.
STRENGTHS = tuple(float(10**exponent) for exponent in np.arange(-4.0, 1.01, 0.5))
# Number of consecutive weaker penalties that are worse than the best, after which the search ends.
PATIENCE = 2

# Number of a fold, or None for a head that leaves out none.
Fold = int | None


class LinearHead(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Logistic regression on standardised features.

    The penalty is the strongest whose loss on inner held-out rows is within one standard error of the lowest, see
    :func:`.choose_within_one_error`.

    Parameters
    ----------
    multiclass
        Whether the outputs are exclusive classes (softmax) rather than independent (sigmoid).
    strengths
        Inverse penalties to choose from, ascending.

    Attributes
    ----------
    kernel_, bias_
        Weights for raw features, shapes (width, outputs) and (outputs,), which include the standardisation.
    strength_
        The chosen inverse penalty.
    """

    kernel_: Float32Array
    bias_: Float32Array
    strength_: float

    def __init__(self, *, multiclass: bool, strengths: tuple[float, ...] = STRENGTHS) -> None:
        self.multiclass = multiclass
        self.strengths = strengths

    def fit(
        self,
        X: Rows,
        Y: Float32Array,
        folds: NDArray[np.int64],
        *,
        views: int = 1,
        weights: Float32Array | None = None,
        soft: SoftTargets | None = None,
        raise_if_stopping: Callable[[], None] = lambda: None,
    ) -> LinearHead:
        """Choose the strength by the inner ``folds``, then fit on all rows.

        Parameters
        ----------
        X
            Features of shape (views x rows, width): the first view of all rows, then the second, and so on.
        Y, folds
            Targets 0 or 1 of shape (rows, outputs), and the fold of each row. Rows of the fold
            :data:`.NOT_HELD_OUT` are in all inner fits, and never score one.
        views
            Number of views of each row.
        weights
            Weight of each output where it is absent and where it is present, shape (2, outputs). None uses 1.
        soft
            Soft targets of the rows. The strength is chosen by the targets ``Y`` alone. None uses none.
        raise_if_stopping
            Called before each pass over the rows. An exception ends the work.
        """
        fitted = fit_heads(
            X,
            Y,
            folds,
            [None],
            multiclass=self.multiclass,
            strengths=self.strengths,
            views=views,
            weights=weights,
            soft=soft,
            raise_if_stopping=raise_if_stopping,
        )[None]
        self.kernel_, self.bias_, self.strength_ = fitted.kernel_, fitted.bias_, fitted.strength_
        return self

    def predict_proba(self, X: Float32Array) -> Float32Array:
        """Return probabilities, shape (rows, outputs)."""
        check_is_fitted(self)
        return compute_probabilities(X @ self.kernel_ + self.bias_, multiclass=self.multiclass)


def fit_heads(
    X: Rows,
    Y: Float32Array,
    folds: NDArray[np.int64],
    held_out: Sequence[Fold],
    *,
    multiclass: bool,
    strengths: Sequence[float] = STRENGTHS,
    views: int = 1,
    weights: Float32Array | None = None,
    soft: SoftTargets | None = None,
    raise_if_stopping: Callable[[], None] = lambda: None,
) -> dict[Fold, LinearHead]:
    """Fit heads side by side, each on the rows outside its held-out fold, and choose each strength by the other folds.

    A fit without two folds serves the heads of both, so five folds need ten inner fits instead of twenty. The
    parameters are those of :class:`LinearHead` and :meth:`LinearHead.fit`, but for ``held_out``: the fold that each
    head leaves out, or None for a head of all rows.
    """
    numbers = np.unique(folds[folds != NOT_HELD_OUT]).tolist()
    left_out = {fold: frozenset[int]() if fold is None else frozenset({fold}) for fold in held_out}
    # The inner fits of each head: the folds that they leave out, and the fold that they are scored on.
    inner = {
        head: {out | {fold}: fold for fold in numbers if fold not in out}
        if len(strengths) > 1 and len(set(numbers) - out) > 1
        else {}
        for head, out in left_out.items()
    }
    parts = list(dict.fromkeys([*left_out.values(), *(part for each in inner.values() for part in each)]))
    scored = dict.fromkeys(pair for each in inner.values() for pair in each.items())
    targets, groups = np.tile(Y, (views, 1)), np.tile(folds, views)
    row_weights = _compute_row_weights(targets, weights, multiclass=multiclass)
    fits = LogisticFits(
        X,
        targets,
        groups,
        parts,
        row_weights,
        multiclass=multiclass,
        soft=soft and soft.tile(views),
        raise_if_stopping=raise_if_stopping,
    )

    def compute_losses(linear: Linear, fold: int) -> NDArray[np.float64]:
        rows = groups == fold
        predicted = compute_probabilities(fits.compute_scores(fold, linear), multiclass=multiclass)
        losses = compute_row_losses(targets[rows], predicted, multiclass=multiclass) * row_weights[rows].mean(axis=1)
        # The standard error counts photos, not their views.
        return np.asarray(losses.reshape(views, -1).mean(axis=0))

    losses: dict[Fold, list[NDArray[np.float64]]] = {head: [] for head, each in inner.items() if each}
    # Heads without inner folds use the middle strength.
    chosen = {head: len(strengths) // 2 for head, each in inner.items() if not each}
    path: list[dict[frozenset[int], Linear]] = []
    for number, strength in enumerate(strengths):
        path.append(dict(zip(parts, fits.fit(strength), strict=True)))
        part_losses = {(part, fold): compute_losses(path[-1][part], fold) for part, fold in scored}
        for head, each in losses.items():
            each.append(np.concatenate([part_losses[pair] for pair in inner[head].items()]))
        improves = any(number - np.argmin([loss.mean() for loss in each]) < PATIENCE for each in losses.values())
        if not improves and number >= max(chosen.values(), default=0):
            break
    chosen |= {head: choose_within_one_error(each) for head, each in losses.items()}
    heads = {head: LinearHead(multiclass=multiclass, strengths=tuple(strengths)) for head in held_out}
    for head, fitted in heads.items():
        linear = path[chosen[head]][left_out[head]]
        fitted.kernel_, fitted.bias_ = linear.kernel.astype(np.float32), linear.bias.astype(np.float32)
        fitted.strength_ = strengths[chosen[head]]
    return heads


def _compute_row_weights(Y: Float32Array, weights: Float32Array | None, *, multiclass: bool) -> NDArray[np.float64]:
    """Return the weights of the rows, shape (rows, 1) for exclusive classes, otherwise (rows, outputs)."""
    if weights is None:
        return np.ones((len(Y), 1 if multiclass else Y.shape[1]))
    if multiclass:
        return np.asarray((Y @ weights[1])[:, None], dtype=np.float64)
    return np.asarray(np.where(Y > 0.5, weights[1], weights[0]), dtype=np.float64)
