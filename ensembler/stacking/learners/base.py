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
from ...heads.links import Float32Array, FloatArray, choose_classes, compute_probabilities
from ..blend import Blend
from ..networks import Network

# Cost of targets and probabilities. Less is better.
Cost = Callable[[FloatArray, FloatArray], float]
Rows = NDArray[np.int64]
Setting = TypeVar("Setting")

# Maximum numbers of input values and rows on which settings are chosen. Of more, a random sample is used and one of its
# folds is held out, because a choice among a few settings needs less precision than weights.
MAX_CHOICE_CELLS, MAX_CHOICE_ROWS = 500_000, 20_000
# Number of inner folds if the caller passes none.
DEFAULT_FOLDS = 5


class HeldOut(NamedTuple):
    """Numbers of held-out rows, and their scores by the chosen settings, shape (rows, outputs)."""

    rows: Rows
    scores: FloatArray


class MetaLearner(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """A classifier that is fitted on cross-validated predictions of other classifiers, the members of a stack.

    Stacked generalisation is described by Wolpert (Neural Networks 5, 1992), and its use on probabilities by Ting and
    Witten (JAIR 10, 1999). The class follows scikit-learn's conventions: the constructor only stores, and :meth:`fit`
    validates and sets attributes that end in ``_``.

    Each member has a group of columns in ``X``, which :func:`.compute_log_odds` computes: the log-odds of the second of
    two classes, the log-odds of each label of a multi-label task, or the log-probability of each of three or more
    classes. :meth:`fit` raises ValueError if the number of columns is not a multiple of the number of classes. All
    checks of scikit-learn's ``check_estimator`` apply except those that fit 2, 4 or 10 columns on 3, 4 or 5 classes.
    ``tests/stacking/test_scikit_learn_checks.py`` lists these and runs them on two classes, where any number of columns
    is valid. Sample weights are not supported.

    Attributes
    ----------
    classes_
        Classes in ascending order, or the numbers of the columns of a multi-label ``y``.
    n_features_in_
        Number of columns of ``X``.
    multiclass_
        Whether the outputs are exclusive classes (softmax) rather than independent (sigmoid).
    multilabel_
        Whether a row may have several classes.
    blend_
        Fitted function from log-odds to probabilities.
    held_out_
        Scores of inner held-out rows, on which calibration is fitted.
    """

    classes_: NDArray[Any]
    n_features_in_: int
    multiclass_: bool
    multilabel_: bool
    blend_: Blend
    held_out_: HeldOut
    # Columns of ``X`` that ``blend_`` uses.
    _columns: slice | Rows = slice(None)

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
            Class of each row, shape (rows,), or labels 0 and 1 of a multi-label task, shape (rows, outputs).
        folds
            Fold of each row, shape (rows,) or (rows, repeats). Only a tournament uses several repeats. None creates
            five stratified folds.
        classes
            All classes, if some may be absent from ``y``. None uses those of ``y``.
        multiclass
            Whether each class has a column and a softmax joins them. None is True for three or more classes. Pass True
            for two classes if each member has two columns.

        Raises
        ------
        ValueError
            If an array has the wrong shape or contains NaN or infinity, ``y`` has only one class or is continuous, or
            the number of columns of ``X`` is not a multiple of the outputs.
        """
        odds, labels = validate_data(self, X, y, dtype=np.float32, multi_output=True)
        Y = self._encode_targets(labels, classes, multiclass)
        if odds.shape[1] % Y.shape[1]:
            raise ValueError(
                f"X has {odds.shape[1]} columns, expected a multiple of {Y.shape[1]}: pass one column per class for "
                "each member."
            )
        numbers = np.asarray(_make_folds(Y) if folds is None else folds)
        check_consistent_length(odds, numbers)
        self._fit(odds, Y, numbers)
        return self

    def _encode_targets(self, y: NDArray[Any], classes: ArrayLike | None, multiclass: bool | None) -> NDArray[Any]:
        """Set the attributes of the classes, and return targets 0 or 1, shape (rows, outputs)."""
        if classes is None:
            # Otherwise few rows of many classes would be taken for a regression.
            check_classification_targets(y)
        if y.ndim == 2 and y.shape[1] > 1:
            if (kind := type_of_target(y)) != "multilabel-indicator":
                raise ValueError(f"Unknown label type: {kind}. Labels of a multi-label task must be 0 or 1.")
            self.classes_, self.multiclass_, self.multilabel_ = np.arange(y.shape[1]), False, True
            return np.asarray(y, np.float32)
        y = column_or_1d(y, warn=True)
        self.classes_ = np.unique(y if classes is None else np.asarray(classes))
        if len(self.classes_) < 2:
            raise ValueError(f"y contains one class only, {self.classes_[0]!r}: pass rows of two or more classes.")
        if len(unknown := np.setdiff1d(y, self.classes_)):
            raise ValueError(f"y contains {unknown.tolist()}, which are missing from classes: add them.")
        self.multiclass_ = len(self.classes_) > 2 if multiclass is None else multiclass
        self.multilabel_ = False
        one_hot = (y[:, None] == self.classes_).astype(np.float32)
        return np.asarray(one_hot if self.multiclass_ else one_hot[:, 1:])

    @abstractmethod
    def _fit(self, X: Float32Array, Y: Float32Array, folds: Rows) -> None:
        """Fit on validated arrays: targets ``Y`` are 0 or 1, shape (rows, outputs)."""

    def predict_proba(self, X: ArrayLike) -> Float32Array:
        """Return the probability of each class, shape (rows, classes), in the order of ``classes_``."""
        return self._predict(X)

    def predict_uncalibrated(self, X: ArrayLike) -> Float32Array:
        """Return the probabilities of :meth:`predict_proba` before temperature and clip."""
        return self._predict(X, temperature=1.0, clip=0.0)

    def _predict(self, X: ArrayLike, **changes: Any) -> Float32Array:
        check_is_fitted(self)
        odds = validate_data(self, X, dtype=np.float32, reset=False)
        outputs = replace(self.blend_, **changes).predict_proba(odds[:, self._columns])
        return np.hstack([1 - outputs, outputs]) if outputs.shape[1] < len(self.classes_) else outputs

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most probable class of each row, shape (rows,), or 0 or 1 for each label of a multi-label task."""
        probabilities = self.predict_proba(X)
        if self.multilabel_:
            return choose_classes(probabilities, multiclass=False)
        return np.asarray(self.classes_[probabilities.argmax(axis=1)])

    def clone_with_chosen_settings(self) -> MetaLearner:
        """Return an unfitted learner that is limited to the chosen settings, without calibration."""
        return cast(MetaLearner, clone(self))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        # Weights of members cannot fit columns that are not log-odds of the classes.
        tags.classifier_tags.poor_score = True
        return tags

    def _choose_setting(
        self, X: Float32Array, Y: Float32Array, folds: Rows, settings: Sequence[Setting], cost: Cost | None = None
    ) -> Setting:
        """Return the best setting by inner folds, and set ``held_out_``. With one fold, it is the first setting.

        Parameters
        ----------
        settings
            Settings to choose from, with the safest first.
        cost
            Cost to minimise on held-out rows. Log loss decides between equal costs, which are frequent in metrics of
            labels. None applies the one-standard-error rule to log loss.
        """
        rows = sample_rows(len(X), min(MAX_CHOICE_ROWS, MAX_CHOICE_CELLS // X.shape[1]))
        folds = select_first_repeat(folds)
        numbers = np.unique(folds)
        if len(numbers) < 2:
            self.held_out_ = HeldOut(np.zeros(0, np.int64), np.zeros((0, Y.shape[1])))
            return settings[0]
        parts, held_out_rows = [], []
        for fold in numbers if len(rows) == len(X) else numbers[:1]:
            train, held_out = rows[folds[rows] != fold], rows[folds[rows] == fold]
            networks = self._fit_networks(X[train], Y[train], settings)
            parts.append([network.compute_scores(X[held_out])[0] for network in networks])
            held_out_rows.append(held_out)
        scores = [np.concatenate(each) for each in zip(*parts, strict=True)]
        rows = np.concatenate(held_out_rows)
        predicted = [compute_probabilities(one, multiclass=self.multiclass_) for one in scores]
        losses = [compute_row_losses(Y[rows], one, multiclass=self.multiclass_) for one in predicted]
        best = choose_within_one_error(losses)
        if cost:
            costs = [(cost(Y[rows], one), float(loss.mean())) for one, loss in zip(predicted, losses, strict=True)]
            best = costs.index(min(costs))
        self.held_out_ = HeldOut(rows, scores[best])
        return settings[best]

    def _fit_networks(self, X: Float32Array, Y: Float32Array, settings: Sequence[Any], seed: int = 0) -> list[Network]:
        """Return the networks that are fitted with each setting."""
        raise NotImplementedError


class WrappingMetaLearner(MetaLearner):
    """A meta-learner that fits other meta-learners.

    Attributes
    ----------
    learner_
        Fitted meta-learner. Its classes are the numbers of ``classes_``.
    """

    learner_: MetaLearner

    def _adopt(self, learner: MetaLearner) -> None:
        self.learner_, self.blend_, self.held_out_ = learner, learner.blend_, learner.held_out_

    def clone_with_chosen_settings(self) -> MetaLearner:
        """See :meth:`.MetaLearner.clone_with_chosen_settings`."""
        return self.learner_.clone_with_chosen_settings()


def fit_on_targets(
    learner: MetaLearner, X: Float32Array, targets: Float32Array, folds: Rows, *, multiclass: bool
) -> MetaLearner:
    """Fit a clone on the targets of tables: 0 or 1, shape (rows, outputs). A class may be absent."""
    fitted = clone(learner).fit(
        X,
        choose_classes(targets, multiclass=multiclass),
        folds,
        classes=np.arange(max(2, targets.shape[1])),
        multiclass=multiclass,
    )
    return cast(MetaLearner, fitted)


def select_first_repeat(folds: Rows) -> Rows:
    """Return the folds of the first repeat, shape (rows,)."""
    return folds if folds.ndim == 1 else folds[:, 0]


def sample_rows(row_count: int, max_rows: int, seed: int = 0) -> Rows:
    """Return the numbers of all rows, or of ``max_rows`` random rows if there are more, in ascending order."""
    if row_count <= max_rows:
        return np.arange(row_count)
    return np.sort(np.random.default_rng(seed).choice(row_count, max_rows, replace=False))


def _make_folds(Y: Float32Array) -> Rows:
    """Spread the rows of each combination of labels evenly over five folds, in random order."""
    shuffled = np.random.default_rng(0).permutation(len(Y))
    labels = np.unique(Y[shuffled], axis=0, return_inverse=True)[1].ravel()
    folds = np.empty(len(Y), np.int64)
    folds[shuffled[np.argsort(labels, kind="stable")]] = np.arange(len(Y)) % DEFAULT_FOLDS
    return folds
