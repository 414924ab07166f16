"""A regularised linear head on frozen features, its strength chosen by the folds it is trained on."""

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
# The path ends once this many weaker penalties in a row were worse than the best.
PATIENCE = 2

LeftOut = frozenset[int]


class LinearHead(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Logistic regression on standardised features.

    The penalty is the strongest one whose inner held-out loss lies within one standard error, of the paired
    difference, of the best (the one-standard-error rule of Breiman et al., Classification and Regression Trees, 1984).

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
            How many there are of each row.
        weights
            Of each output where it is absent and where it is present, shape (2, outputs); None for 1.
        raise_if_stopping
            Called before each look at the rows; it may end the work by an exception.
        """
        inner = {frozenset({fold}): fold for fold in np.unique(folds).tolist()}
        paths = HeadPaths(
            X,
            Y,
            folds,
            {frozenset[int](): inner},
            multiclass=self.multiclass,
            views=views,
            weights=weights,
            raise_if_stopping=raise_if_stopping,
        )
        fitted = paths.choose_heads(self.strengths)[frozenset[int]()]
        self.kernel_, self.bias_, self.strength_ = fitted.kernel_, fitted.bias_, fitted.strength_
        return self

    def predict_proba(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities of shape (rows, outputs)."""
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
    X, Y, folds, views, weights
        Of all rows, as :meth:`LinearHead.fit` takes them.
    wanted_folds
        Folds whose heads are asked for.
    multiclass, strengths
        As of :class:`LinearHead`.
    raise_if_stopping
        Called before each look at the rows; it may end the work by an exception.
    """
    numbers = np.unique(folds).tolist()
    outer = {
        frozenset({fold}): {frozenset({fold, other}): other for other in numbers if other != fold}
        for fold in wanted_folds
    }
    paths = HeadPaths(
        X, Y, folds, outer, multiclass=multiclass, views=views, weights=weights, raise_if_stopping=raise_if_stopping
    )
    heads = paths.choose_heads(strengths)
    return {fold: heads[frozenset({fold})] for fold in wanted_folds}


class HeadPaths:
    """Heads on parts of the rows, and the fits by which each chooses its strength.

    Parameters
    ----------
    X, Y, folds, views, weights
        Of all rows, as :meth:`LinearHead.fit` takes them.
    outer
        Of each head, named by the folds that it does not learn from, the fits that it chooses by: what these leave
        out, and the fold that they are judged on.
    """

    def __init__(
        self,
        X: Rows,
        Y: NDArray[np.float32],
        folds: NDArray[np.int64],
        outer: Mapping[LeftOut, Mapping[LeftOut, int]],
        *,
        multiclass: bool,
        views: int = 1,
        weights: NDArray[np.float32] | None = None,
        raise_if_stopping: Callable[[], None] = lambda: None,
    ) -> None:
        self._outer = {head: inner if len(inner) > 1 else {} for head, inner in outer.items()}
        self._parts = list(dict.fromkeys([*outer, *(part for inner in self._outer.values() for part in inner)]))
        self._multiclass, self._views = multiclass, views
        targets, groups = np.tile(Y, (views, 1)), np.tile(folds, views)
        row_weights = _compute_row_weights(targets, weights, multiclass=multiclass)
        self._held_out = {
            fold: (targets[groups == fold], row_weights[groups == fold]) for fold in np.unique(folds).tolist()
        }
        self._fits = LogisticFits(
            X, targets, groups, self._parts, row_weights, multiclass=multiclass, raise_if_stopping=raise_if_stopping
        )

    def choose_heads(self, strengths: Sequence[float]) -> dict[LeftOut, LinearHead]:
        """Fit from the strongest penalty on, until no head gains by a weaker one; return the chosen heads."""
        losses: dict[LeftOut, list[NDArray[np.float64]]] = {head: [] for head in self._outer}
        path: list[dict[LeftOut, Linear]] = []
        # Who has nothing to choose by takes the one in the middle.
        middle = {head: len(strengths) // 2 for head, inner in self._outer.items() if not inner}
        for number, strength in enumerate(strengths):
            fitted = dict(zip(self._parts, self._fits.fit(strength), strict=True))
            path.append({head: fitted[head] for head in self._outer})
            held_out_losses: dict[tuple[LeftOut, int], NDArray[np.float64]] = {}
            for head, inner in self._outer.items():
                for part, fold in inner.items():
                    if (part, fold) not in held_out_losses:
                        held_out_losses[part, fold] = self._compute_losses(fitted[part], fold)
                if inner:
                    losses[head].append(np.concatenate([held_out_losses[part, fold] for part, fold in inner.items()]))
            waiting = any(number - _find_best(each) < PATIENCE for each in losses.values() if each)
            if not waiting and number >= max(middle.values(), default=0):
                break
        chosen = {head: choose_within_one_error(each) for head, each in losses.items() if each} | middle
        return {head: self._make_head(path[number][head], strengths, number) for head, number in chosen.items()}

    def _compute_losses(self, linear: Linear, fold: int) -> NDArray[np.float64]:
        targets, row_weights = self._held_out[fold]
        predicted = compute_probabilities(self._fits.compute_scores(fold, linear), multiclass=self._multiclass)
        losses = compute_row_losses(targets, predicted, multiclass=self._multiclass) * row_weights.mean(axis=1)
        # The standard error counts photos, not their views.
        return np.asarray(losses.reshape(self._views, -1).mean(axis=0))

    def _make_head(self, linear: Linear, strengths: Sequence[float], number: int) -> LinearHead:
        head = LinearHead(multiclass=self._multiclass, strengths=tuple(strengths))
        head.kernel_, head.bias_ = linear.kernel.astype(np.float32), linear.bias.astype(np.float32)
        head.strength_ = strengths[number]
        return head


def _compute_row_weights(
    Y: NDArray[np.float32], weights: NDArray[np.float32] | None, *, multiclass: bool
) -> NDArray[np.float64]:
    """Weight of each row in each fit, shape (rows, fits): one fit where classes are exclusive, else one an output."""
    if weights is None:
        return np.ones((len(Y), 1 if multiclass else Y.shape[1]))
    if multiclass:
        return np.asarray((Y @ weights[1])[:, None], dtype=np.float64)
    return np.asarray(np.where(Y > 0.5, weights[1], weights[0]), dtype=np.float64)


def _find_best(losses: list[NDArray[np.float64]]) -> int:
    return int(np.argmin([loss.mean() for loss in losses]))
