"""The base class of meta-learners, and the rows that their settings are chosen on."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Self, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d, validate_data

from ...competition.metrics.comparisons import choose_within_one_error
from ...competition.metrics.metrics import compute_row_losses
from ...heads.links import choose_classes, compute_probabilities
from ..blend import Blend

# Less is better; takes targets and probabilities.
Cost = Callable[[NDArray[np.floating], NDArray[np.floating]], float]
Rows = NDArray[np.int64]
Setting = TypeVar("Setting")

# Numbers of the input, and rows, that settings are chosen on. Of more, a random part is used and one fold of it is held
# out, since the choice among a few settings needs less precision than weights do.
MAX_CHOICE_CELLS, MAX_CHOICE_ROWS = 500_000, 20_000
# Inner folds where the caller gives none.
DEFAULT_FOLDS = 5


class HeldOut(NamedTuple):
    """Rows that were predicted, with the chosen settings, by fits that had not seen them.

    Attributes
    ----------
    rows
        Numbers of the rows.
    scores
        Scores before softmax or sigmoid, shape (rows, outputs).
    """

    rows: Rows
    scores: NDArray[np.floating]


class MetaLearner(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """A classifier that is fitted on cross-validated predictions of other classifiers, the members of a stack.

    Stacked generalisation after Wolpert (Neural Networks 5, 1992), on probabilities after Ting and Witten (JAIR 10,
    1999). It keeps scikit-learn's contract: the constructor only stores, :meth:`fit` validates and sets names that end
    in ``_``.

    The columns of ``X`` come in groups, one for each member: the log-odds of the second of two classes, or of each
    label of a multi-label task, or the logarithm of the probability of each of three or more classes
    (:func:`.compute_log_odds` makes them). :meth:`fit` raises ValueError where the columns are no multiple of the
    classes. The checks of scikit-learn's ``check_estimator`` therefore apply, except those that fit 2, 4 or 10 columns
    on 3, 4 or 5 classes; ``tests/stacking/test_scikit_learn_checks.py`` lists these, and runs them on two classes,
    where any number of columns fits. Sample weights are not supported.

    Attributes
    ----------
    classes_
        The classes, ascending; the numbers of the columns of a multi-label ``y``.
    n_features_in_
        Columns of ``X``.
    multiclass_
        Whether the outputs are exclusive classes (softmax) rather than independent (sigmoid).
    multilabel_
        Whether a row may have several classes.
    blend_
        The fitted function from log-odds to probabilities.
    held_out_
        Scores that calibration is learned from.
    """

    classes_: NDArray[Any]
    n_features_in_: int
    multiclass_: bool
    multilabel_: bool
    blend_: Blend
    held_out_: HeldOut

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        folds: ArrayLike | None = None,
        *,
        classes: ArrayLike | None = None,
        multiclass: bool | None = None,
    ) -> Self:
        """Choose settings by inner folds, then fit on all rows.

        Parameters
        ----------
        X
            Log-odds of the members, shape (rows, members * outputs).
        y
            Class of each row, shape (rows,); or labels 0 and 1 of a multi-label task, shape (rows, outputs).
        folds
            Number of the fold of each row, shape (rows,); or in several repeats, shape (rows, repeats), of which all
            but a tournament use the first. None makes five stratified folds.
        classes
            All classes, where some may be absent from ``y``. None takes those of ``y``.
        multiclass
            Whether a softmax joins one column for each class. None: if there are three or more classes. Of two classes
            True, where each member has two columns.

        Raises
        ------
        ValueError
            If an array has the wrong shape or holds NaN or infinity, ``y`` has one class only or is continuous, or the
            columns of ``X`` are no multiple of the outputs.
        """
        odds, labels = validate_data(self, X, y, dtype=np.float32, multi_output=True)
        Y = self._encode_targets(labels, classes, multiclass)
        if odds.shape[1] % Y.shape[1]:
            raise ValueError(
                f"X has {odds.shape[1]} columns, which is no multiple of {Y.shape[1]}: each member has a column for "
                f"each of the {Y.shape[1]} classes."
            )
        numbers = np.asarray(_make_folds(Y) if folds is None else folds)
        check_consistent_length(odds, numbers)
        self._fit(odds, Y, numbers)
        return self

    def _encode_targets(self, y: NDArray[Any], classes: ArrayLike | None, multiclass: bool | None) -> NDArray[Any]:
        """Set what is known of the classes; return targets 0 or 1, shape (rows, outputs)."""
        check_classification_targets(y)
        if y.ndim == 2 and y.shape[1] > 1:
            if (kind := type_of_target(y)) != "multilabel-indicator":
                raise ValueError(f"Unknown label type: {kind}. Labels of a multi-label task are 0 or 1.")
            self.classes_, self.multiclass_, self.multilabel_ = np.arange(y.shape[1]), False, True
            return np.asarray(y, np.float32)
        y = column_or_1d(y, warn=True)
        self.classes_ = np.unique(y if classes is None else np.asarray(classes))
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class only, {self.classes_[0]!r}: a meta-learner needs two or more.")
        if len(unknown := np.setdiff1d(y, self.classes_)):
            raise ValueError(f"y has classes that are not among classes: {unknown.tolist()}.")
        self.multiclass_ = len(self.classes_) > 2 if multiclass is None else multiclass
        self.multilabel_ = False
        one_hot = (y[:, None] == self.classes_).astype(np.float32)
        return np.asarray(one_hot if self.multiclass_ else one_hot[:, 1:])

    @abstractmethod
    def _fit(self, X: NDArray[np.float32], Y: NDArray[np.float32], folds: Rows) -> None:
        """Fit on validated arrays: targets ``Y`` are 0 or 1, shape (rows, outputs)."""

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:
        """Return the probability of each class, shape (rows, classes), in the order of ``classes_``."""
        return self._predict(X, lambda blend: blend)

    def predict_uncalibrated(self, X: ArrayLike) -> NDArray[np.float32]:
        """Return what :meth:`predict_proba` does, before temperature and clip."""
        return self._predict(X, lambda blend: replace(blend, temperature=1.0, clip=0.0))

    def _predict(self, X: ArrayLike, adjust: Callable[[Blend], Blend]) -> NDArray[np.float32]:
        check_is_fitted(self)
        odds = validate_data(self, X, dtype=np.float32, reset=False)
        outputs = adjust(self.blend_).predict_proba(self._select_columns(odds))
        return np.hstack([1 - outputs, outputs]) if outputs.shape[1] < len(self.classes_) else outputs

    def _select_columns(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the columns that ``blend_`` takes."""
        return X

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most probable class of each row, shape (rows,); of a multi-label task 0 or 1 for each label."""
        probabilities = self.predict_proba(X)
        if self.multilabel_:
            return choose_classes(probabilities, multiclass=False)
        return np.asarray(self.classes_[probabilities.argmax(axis=1)])

    def clone_with_chosen_settings(self) -> MetaLearner:
        """Return an unfitted learner whose only settings are those that this one chose."""
        return cast(MetaLearner, clone(self))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        # Learners that weigh members cannot learn from columns that are no log-odds of the classes.
        tags.classifier_tags.poor_score = True
        return tags

    def _choose_setting(
        self,
        X: NDArray[np.float32],
        Y: NDArray[np.float32],
        folds: Rows,
        settings: Sequence[Setting],
        cost: Cost | None = None,
    ) -> Setting:
        """Return the best setting by inner folds, and set ``held_out_``; the first one where there is one fold.

        Parameters
        ----------
        settings
            Settings to choose from, with the safest first.
        cost
            Cost of held-out targets and probabilities; the lowest is taken, and log loss decides between equals, which
            metrics of labels often give. None takes log loss by the one-standard-error rule.
        """
        splits = split_inner_folds(X, folds)
        if not splits:
            self.held_out_ = HeldOut(np.zeros(0, np.int64), np.zeros((0, Y.shape[1])))
            return settings[0]
        parts = [self._score_settings(X[train], Y[train], X[held_out], settings) for train, held_out in splits]
        scores = [np.concatenate(each) for each in zip(*parts, strict=True)]
        rows = np.concatenate([held_out for _, held_out in splits])
        predicted = [compute_probabilities(one, multiclass=self.multiclass_) for one in scores]
        losses = [compute_row_losses(Y[rows], one, multiclass=self.multiclass_) for one in predicted]
        best = choose_within_one_error(losses)
        if cost:
            costs = [(cost(Y[rows], one), float(loss.mean())) for one, loss in zip(predicted, losses, strict=True)]
            best = costs.index(min(costs))
        self.held_out_ = HeldOut(rows, scores[best])
        return settings[best]

    def _score_settings(
        self, X: NDArray[np.float32], Y: NDArray[np.float32], held_out: NDArray[np.float32], settings: Sequence[Any]
    ) -> list[NDArray[np.floating]]:
        """Fit each setting on ``X`` and ``Y``; return the scores of the rows ``held_out``, shape (rows, outputs)."""
        raise NotImplementedError


def fit_on_targets(
    learner: MetaLearner, X: NDArray[np.float32], targets: NDArray[np.float32], folds: Rows, *, multiclass: bool
) -> MetaLearner:
    """Fit a clone on targets as tables hold them: 0 or 1, shape (rows, outputs), where a class may be absent."""
    fitted = clone(learner).fit(
        X,
        choose_classes(targets, multiclass=multiclass),
        folds,
        classes=np.arange(max(2, targets.shape[1])),
        multiclass=multiclass,
    )
    return cast(MetaLearner, fitted)


def split_inner_folds(X: NDArray[np.float32], folds: Rows) -> list[tuple[Rows, Rows]]:
    """Return numbers of rows to fit on, and to judge the fit by, for each fold that is held out.

    Where there are many rows, they are some of all, and one fold is held out. Empty where there is one fold only.
    """
    rows, folds = sample_rows(len(X), min(MAX_CHOICE_ROWS, MAX_CHOICE_CELLS // X.shape[1])), select_first_repeat(folds)
    numbers = np.unique(folds)
    if len(numbers) < 2:
        return []
    held_out = numbers if len(rows) == len(X) else numbers[:1]
    return [(rows[folds[rows] != fold], rows[folds[rows] == fold]) for fold in held_out]


def select_first_repeat(folds: Rows) -> Rows:
    """Return the folds of the first repeat, shape (rows,)."""
    return folds if folds.ndim == 1 else folds[:, 0]


def sample_rows(row_count: int, max_rows: int, seed: int = 0) -> Rows:
    """Return the numbers of all rows, or of ``max_rows`` random ones where there are more, in ascending order."""
    if row_count <= max_rows:
        return np.arange(row_count)
    return np.sort(np.random.default_rng(seed).choice(row_count, max_rows, replace=False))


def _make_folds(Y: NDArray[np.float32]) -> Rows:
    """Spread the rows of each combination of labels evenly over five folds, in random order."""
    shuffled = np.random.default_rng(0).permutation(len(Y))
    labels = np.unique(Y[shuffled], axis=0, return_inverse=True)[1].ravel()
    folds = np.empty(len(Y), np.int64)
    folds[shuffled[np.argsort(labels, kind="stable")]] = np.arange(len(Y)) % DEFAULT_FOLDS
    return folds
