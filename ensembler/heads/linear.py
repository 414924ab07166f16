"""A regularised linear head on frozen features; inner folds choose its penalty."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ..competition.metrics.comparisons import choose_within_one_error
from ..competition.metrics.metrics import compute_row_losses
from .links import compute_probabilities
from .logistic_fits import Linear, LogisticFits
from .stacked_views import Rows

# Inverse strengths of the L2 penalty, the strongest first: half decades, on standardised features.
STRENGTHS = tuple(float(10**exponent) for exponent in np.arange(-4.0, 1.01, 0.5))
# The path ends after this many weaker penalties in a row were worse than the best.
PATIENCE = 2

LeftOut = frozenset[int]


class LinearHead(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Logistic regression on standardised features.

    The penalty is the strongest one whose inner held-out loss lies within one standard error, of the paired
    difference, of the best, see :func:`.choose_within_one_error`.

    Parameters
    ----------
    multiclass
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

    kernel_: NDArray[np.float32]
    bias_: NDArray[np.float32]
    strength_: float

    def __init__(self, *, multiclass: bool, strengths: tuple[float, ...] = STRENGTHS) -> None:
        self.multiclass = multiclass
        self.strengths = strengths

    def fit(
        self,
        X: Rows,
        Y: NDArray[np.float32],
        folds: NDArray[np.int64],
        *,
        views: int = 1,
        weights: NDArray[np.float32] | None = None,
        raise_if_stopping: Callable[[], None] = lambda: None,
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
            Number of views of each row.
        weights
            Weight of each output where it is absent and where it is present, shape (2, outputs); None for 1.
        raise_if_stopping
            Called before each pass over the rows; it may end the work by an exception.
        """
        inner = {frozenset({fold}): fold for fold in np.unique(folds).tolist()}
        fitted = _fit_heads(
            X,
            Y,
            folds,
            {frozenset[int](): inner},
            self.strengths,
            views,
            weights,
            raise_if_stopping,
            multiclass=self.multiclass,
        )[frozenset[int]()]
        self.kernel_, self.bias_, self.strength_ = fitted.kernel_, fitted.bias_, fitted.strength_
        return self

    def predict_proba(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return probabilities, shape (rows, outputs)."""
        check_is_fitted(self)
        return compute_probabilities(X @ self.kernel_ + self.bias_, multiclass=self.multiclass)


def fit_heads(
    X: Rows,
    Y: NDArray[np.float32],
    folds: NDArray[np.int64],
    wanted_folds: Sequence[int],
    *,
    multiclass: bool,
    strengths: tuple[float, ...] = STRENGTHS,
    views: int = 1,
    weights: NDArray[np.float32] | None = None,
    raise_if_stopping: Callable[[], None] = lambda: None,
) -> dict[int, LinearHead]:
    """Fit the heads of several folds side by side, each on the rows that its fold does not hold out.

    A head chooses its strength by the other folds. What is fitted without two folds serves both of them, each as the
    one that is held out inside the other; so five folds take ten fits to choose by, and not twenty.

    Parameters
    ----------
    X, Y, folds, views, weights, raise_if_stopping
        As :meth:`LinearHead.fit` takes them, of all rows.
    wanted_folds
        Folds whose heads are returned.
    multiclass, strengths
        As :class:`LinearHead` takes them.
    """
    numbers = np.unique(folds).tolist()
    outer = {
        frozenset({fold}): {frozenset({fold, other}): other for other in numbers if other != fold}
        for fold in wanted_folds
    }
    heads = _fit_heads(X, Y, folds, outer, strengths, views, weights, raise_if_stopping, multiclass=multiclass)
    return {fold: heads[frozenset({fold})] for fold in wanted_folds}


def _fit_heads(
    X: Rows,
    Y: NDArray[np.float32],
    folds: NDArray[np.int64],
    outer: Mapping[LeftOut, Mapping[LeftOut, int]],
    strengths: Sequence[float],
    views: int,
    weights: NDArray[np.float32] | None,
    raise_if_stopping: Callable[[], None],
    *,
    multiclass: bool,
) -> dict[LeftOut, LinearHead]:
    """Fit heads from the strongest penalty on, until none gains by a weaker one; return the chosen ones.

    Parameters
    ----------
    outer
        For each head, named by the folds that it does not learn from, the fits that it chooses by: the folds that these
        leave out, and the fold that they are judged on.
    """
    outer = {head: inner if len(inner) > 1 else {} for head, inner in outer.items()}
    parts = list(dict.fromkeys([*outer, *(part for inner in outer.values() for part in inner)]))
    judged = dict.fromkeys(pair for inner in outer.values() for pair in inner.items())
    targets, groups = np.tile(Y, (views, 1)), np.tile(folds, views)
    row_weights = _compute_row_weights(targets, weights, multiclass=multiclass)
    fits = LogisticFits(
        X, targets, groups, parts, row_weights, multiclass=multiclass, raise_if_stopping=raise_if_stopping
    )

    def compute_losses(linear: Linear, fold: int) -> NDArray[np.float64]:
        rows = groups == fold
        predicted = compute_probabilities(fits.compute_scores(fold, linear), multiclass=multiclass)
        losses = compute_row_losses(targets[rows], predicted, multiclass=multiclass) * row_weights[rows].mean(axis=1)
        # The standard error counts photos, not their views.
        return np.asarray(losses.reshape(views, -1).mean(axis=0))

    losses: dict[LeftOut, list[NDArray[np.float64]]] = {head: [] for head, inner in outer.items() if inner}
    path: list[dict[LeftOut, Linear]] = []
    # Heads with nothing to choose by take the strength in the middle.
    chosen = {head: len(strengths) // 2 for head, inner in outer.items() if not inner}
    for number, strength in enumerate(strengths):
        fitted = dict(zip(parts, fits.fit(strength), strict=True))
        path.append({head: fitted[head] for head in outer})
        of_fits = {(part, fold): compute_losses(fitted[part], fold) for part, fold in judged}
        for head, each in losses.items():
            each.append(np.concatenate([of_fits[pair] for pair in outer[head].items()]))
        waiting = any(number - np.argmin([loss.mean() for loss in each]) < PATIENCE for each in losses.values())
        if not waiting and number >= max(chosen.values(), default=0):
            break
    chosen |= {head: choose_within_one_error(each) for head, each in losses.items()}
    heads = {}
    for head, number in chosen.items():
        linear = path[number][head]
        heads[head] = LinearHead(multiclass=multiclass, strengths=tuple(strengths))
        heads[head].kernel_, heads[head].bias_ = linear.kernel.astype(np.float32), linear.bias.astype(np.float32)
        heads[head].strength_ = strengths[number]
    return heads


def _compute_row_weights(
    Y: NDArray[np.float32], weights: NDArray[np.float32] | None, *, multiclass: bool
) -> NDArray[np.float64]:
    """Return the weight of each row, shape (rows, 1) where classes are exclusive, else (rows, outputs)."""
    if weights is None:
        return np.ones((len(Y), 1 if multiclass else Y.shape[1]))
    if multiclass:
        return np.asarray((Y @ weights[1])[:, None], dtype=np.float64)
    return np.asarray(np.where(Y > 0.5, weights[1], weights[0]), dtype=np.float64)
