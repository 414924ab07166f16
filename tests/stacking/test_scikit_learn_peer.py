"""Comparison with scikit-learn's stacking on the same members, folds and rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine, make_gaussian_quantiles
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from ensembler.competition.metrics.metrics import log_loss
from ensembler.heads.links import compute_log_odds
from ensembler.stacking.calibration import CalibratedMetaLearner
from ensembler.stacking.learners.named import make_meta_learner

MEMBERS = {
    "tree": DecisionTreeClassifier(min_samples_leaf=5, random_state=0),
    "bayes": GaussianNB(),
    "neighbours": KNeighborsClassifier(15),
}
INNER = StratifiedKFold(5, shuffle=True, random_state=0)


def quantiles() -> tuple[np.ndarray, np.ndarray]:
    return make_gaussian_quantiles(n_samples=600, n_features=6, n_classes=3, random_state=0)


def digits() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_digits(return_X_y=True)
    return X[:900], y[:900]


DATA = {
    "breast cancer": lambda: load_breast_cancer(return_X_y=True),
    "wine": lambda: load_wine(return_X_y=True),
    "iris": lambda: load_iris(return_X_y=True),
    "digits": digits,
    "quantiles": quantiles,
}


@pytest.mark.parametrize("name", DATA)
@pytest.mark.slow
def test_the_log_loss_is_not_above_that_of_scikit_learns_stack(name: str) -> None:
    X, y = DATA[name]()
    ours, theirs = np.empty(0), np.empty(0)
    for seen, unseen in StratifiedKFold(3, shuffle=True, random_state=1).split(X, y):
        targets = _targets(y[unseen], y)
        peer = StackingClassifier(
            list(MEMBERS.items()), LogisticRegression(max_iter=2000), cv=INNER, stack_method="predict_proba"
        )
        given = peer.fit(X[seen], y[seen]).predict_proba(X[unseen])
        theirs = np.append(theirs, log_loss(targets, _ours(given, targets), multiclass=targets.shape[1] > 1))
        stack = _stack(X[seen], y[seen], X[unseen])
        ours = np.append(ours, log_loss(targets, stack, multiclass=targets.shape[1] > 1))
    assert ours.mean() <= theirs.mean()


def _stack(X: np.ndarray, y: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    targets = _targets(y, y)
    exclusive = targets.shape[1] > 1
    folds = np.empty(len(y), np.int64)
    for number, (_, held_out) in enumerate(INNER.split(X, y)):
        folds[held_out] = number
    out_of_fold: list[Any] = []
    later: list[Any] = []
    for member in MEMBERS.values():
        given = cross_val_predict(clone(member), X, y, cv=INNER, method="predict_proba")
        out_of_fold.append(_ours(given, targets))
        later.append(_ours(clone(member).fit(X, y).predict_proba(unseen), targets))
    learner = CalibratedMetaLearner(make_meta_learner("dense"))
    learner.fit(compute_log_odds(out_of_fold, multiclass=exclusive), y, folds)
    return _ours(learner.predict_proba(compute_log_odds(later, multiclass=exclusive)), targets)


def _targets(y: np.ndarray, every: np.ndarray) -> np.ndarray:
    classes = np.unique(every)
    return _ours((y[:, None] == classes).astype(np.float32), np.empty((0, 1 if len(classes) == 2 else len(classes))))


def _ours(given: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Keep only the second of two classes, as in a binary task."""
    return (given[:, 1:] if targets.shape[1] == 1 else given).astype(np.float32)
