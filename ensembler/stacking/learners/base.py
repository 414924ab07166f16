"""What all meta-learners have in common, and the rows that their settings are chosen on."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import NamedTuple, Self, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from ...competition.metrics.metrics import compute_row_losses
from ..blend import Blend

# Less is better; takes targets and probabilities.
Cost = Callable[[NDArray[np.floating], NDArray[np.floating]], float]
Rows = NDArray[np.int64]

# Numbers of the input, and rows, that settings are chosen on: of more, one part is drawn at random, and one fold of it
# held out, since the choice among a few settings needs less exactness than weights do.
MAX_CHOICE_CELLS, MAX_CHOICE_ROWS = 500_000, 20_000


class HeldOut(NamedTuple):
    """Rows that were predicted, with the chosen settings, by fits that had not seen them.

    Attributes
    ----------
    rows
        Their numbers.
    scores
        Shape (rows, outputs), before softmax or sigmoid.
    """

    rows: Rows
    scores: NDArray[np.floating]


class MetaLearner(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """What is fitted on members' predictions that were cross-validated.

    Stacked generalisation after Wolpert (Neural Networks 5, 1992), on probabilities after Ting and Witten (JAIR 10,
    1999). It keeps scikit-learn's contract, but that a fit also takes the fold of each row, by which it chooses its
    settings.

    Attributes
    ----------
    blend_
        What was fitted, without calibration.
    held_out_
        What calibration is learned from.
    """

    multiclass: bool
    blend_: Blend
    held_out_: HeldOut

    @abstractmethod
    def fit(self, X: NDArray[np.float32], Y: NDArray[np.float32], folds: Rows) -> Self:
        """Choose settings by the inner ``folds``, then fit on all rows.

        Parameters
        ----------
        X
            Log-odds, shape (rows, members * outputs).
        Y
            Targets 0 or 1, shape (rows, outputs).
        folds
            Fold of each row, shape (rows,), or in each of several repeats, shape (rows, repeats): all but a tournament
            go by the first.
        """

    def predict_proba(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities of shape (rows, outputs)."""
        check_is_fitted(self)
        return self.blend_.predict_proba(X)

    def predict_uncalibrated(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities of shape (rows, outputs) before temperature and clip."""
        check_is_fitted(self)
        return self.blend_.replace_calibration(1.0, 0.0).predict_proba(X)

    def clone_with_chosen_settings(self) -> MetaLearner:
        """Return a learner that is not fitted, with the chosen settings as its only ones."""
        return cast(MetaLearner, clone(self))


class InnerSplit(NamedTuple):
    """Rows to fit on, and rows to judge the fit by."""

    train: Rows
    held_out: Rows


def split_inner_folds(X: NDArray[np.float32], folds: Rows, max_cells: int = MAX_CHOICE_CELLS) -> list[InnerSplit]:
    """Divide rows, or some of them where they are many, for the choice of settings; empty where there is one fold."""
    rows, folds = sample_rows(len(X), min(MAX_CHOICE_ROWS, max_cells // X.shape[1])), select_first_repeat(folds)
    numbers = np.unique(folds)
    if len(numbers) < 2:
        return []
    held_out = numbers if len(rows) == len(X) else numbers[:1]
    return [InnerSplit(rows[folds[rows] != fold], rows[folds[rows] == fold]) for fold in held_out]


def select_first_repeat(folds: Rows) -> Rows:
    """Return the folds of the first repeat, shape (rows,)."""
    return folds if folds.ndim == 1 else folds[:, 0]


def sample_rows(row_count: int, max_rows: int, seed: int = 0) -> Rows:
    """Return all rows' numbers, or of more than ``max_rows`` so many drawn at random, in ascending order."""
    if row_count <= max_rows:
        return np.arange(row_count)
    return np.sort(np.random.default_rng(seed).choice(row_count, max_rows, replace=False))


def choose_setting(
    settings: Sequence[Sequence[NDArray[np.float32]]], targets: NDArray[np.float32], cost: Cost | None, multiclass: bool
) -> int:
    """Return which setting to take by held-out probabilities.

    Parameters
    ----------
    settings
        Of each setting the probabilities of each part's held-out rows; the safest setting first.
    targets
        Of the held-out rows of all parts.
    cost
        The best by it is taken, and log loss decides where two cost the same, as they often do by a metric of labels;
        None for log loss alone, see :func:`choose_within_one_error`.
    multiclass
        One class a row.
    """
    predicted = [np.concatenate(parts) for parts in settings]
    losses = [compute_row_losses(targets, one, multiclass=multiclass) for one in predicted]
    if cost:
        costs = [(cost(targets, one), float(loss.mean())) for one, loss in zip(predicted, losses, strict=True)]
        return costs.index(min(costs))
    return choose_within_one_error(losses)


def choose_within_one_error(losses: Sequence[NDArray[np.float64]]) -> int:
    """Return which of several settings' losses, of the same rows, are the first within one standard error of the best.

    The standard error is of the paired difference (Breiman et al., Classification and Regression Trees, 1984): the best
    itself would be so by luck in part.

    Parameters
    ----------
    losses
        Of each setting, shape (rows,); the safest setting first.
    """
    best = min(losses, key=lambda loss: float(loss.mean()))
    return next(number for number, loss in enumerate(losses) if _is_within_one_error(loss, best))


def _is_within_one_error(losses: NDArray[np.float64], best: NDArray[np.float64]) -> bool:
    excess = losses - best
    return bool(excess.mean() <= excess.std() / np.sqrt(len(excess)))
