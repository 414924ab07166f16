"""scikit-learn's checks of estimators on every meta-learner."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import estimator_checks_generator

from ensembler.heads.links import EPSILON, compute_log_odds
from ensembler.stacking import calibration
from ensembler.stacking.calibration import CalibratedMetaLearner
from ensembler.stacking.learners import greedy
from ensembler.stacking.learners.base import MetaLearner
from ensembler.stacking.learners.dense import DenseMetaLearner
from ensembler.stacking.learners.greedy import GreedyMetaLearner
from ensembler.stacking.learners.logistic import LogisticMetaLearner
from ensembler.stacking.learners.means import LogitMeanMetaLearner, MeanMetaLearner
from ensembler.stacking.networks import Penalties
from ensembler.stacking.subsets import SubsetMetaLearner
from ensembler.stacking.tournament import TournamentMetaLearner

LEARNERS: list[MetaLearner] = [
    MeanMetaLearner(),
    LogitMeanMetaLearner(),
    GreedyMetaLearner(bags=2),
    LogisticMetaLearner(settings=(Penalties(10.0),)),
    DenseMetaLearner(penalties=(10.0,), stops=(3,), seeds=1),
    CalibratedMetaLearner(LogitMeanMetaLearner()),
    SubsetMetaLearner(LogitMeanMetaLearner(), size=1),
    TournamentMetaLearner({"mean": MeanMetaLearner()}),
]

_COLUMNS = "The check fits a number of columns that is not a multiple of its number of classes"
DO_NOT_APPLY = dict.fromkeys(
    (
        "check_estimators_overwrite_params",
        "check_estimators_fit_returns_self",
        "check_readonly_memmap_input",
        "check_n_features_in_after_fitting",
        "check_positive_only_tag_during_fit",
        "check_dtype_object",
        "check_classifiers_classes",
        "check_classifiers_train",
        "check_classifiers_multilabel_representation_invariance",
        "check_classifiers_multilabel_output_format_predict",
        "check_classifiers_multilabel_output_format_predict_proba",
        "check_classifiers_multilabel_output_format_decision_function",
    ),
    _COLUMNS,
)


@pytest.fixture(autouse=True)
def fit_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the searches of all fits, whose quality is not checked here."""
    monkeypatch.setattr(calibration, "FLOORS", (1e-2, EPSILON))
    monkeypatch.setattr(calibration, "CLIPS", (0.0, 1e-3))
    monkeypatch.setattr(greedy, "MAX_STEPS", 2)


class OfTwoClasses:
    """Limits scikit-learn's checks to two classes, where a member has one column and any number of columns is valid."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.classifier_tags.multi_class = tags.classifier_tags.multi_label = False
        return tags


def of_two_classes(learner: MetaLearner) -> Any:
    made: Any = type(f"OfTwoClasses{type(learner).__name__}", (OfTwoClasses, type(learner)), {"__module__": __name__})
    # Pickle finds the class by its name.
    globals()[made.__name__] = made
    return made(**learner.get_params(deep=False))


def list_checks(learners: Iterable[MetaLearner], *, apply: bool) -> list[Any]:
    """Return the checks that apply to any number of classes, or the others."""
    return [
        pytest.param(estimator, check, id=f"{type(estimator).__name__}-{check.func.__name__}")
        for learner in learners
        for estimator, check in estimator_checks_generator(learner)
        if (check.func.__name__ not in DO_NOT_APPLY) == apply
    ]


@pytest.mark.parametrize(("estimator", "check"), list_checks(LEARNERS, apply=True))
def test_they_pass_the_checks_that_apply(estimator: Any, check: Any) -> None:
    check(estimator)


# The wrappers inherit the validation of the first five.
@pytest.mark.parametrize(("estimator", "check"), list_checks(map(of_two_classes, LEARNERS[:5]), apply=False))
def test_they_pass_the_other_checks_on_two_classes(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize(("estimator", "check"), list_checks(LEARNERS[:1], apply=False))
def test_the_checks_that_do_not_apply_fail(estimator: Any, check: Any) -> None:
    """A check whose number of columns becomes valid must leave the table."""
    with pytest.raises((ValueError, AssertionError)):
        check(estimator)


@pytest.mark.parametrize("classes", [2, 3])
def test_scikit_learns_stack_accepts_one_as_its_final_estimator(classes: int) -> None:
    X, y = make_classification(400, 8, n_informative=6, n_classes=classes, random_state=0)
    names = np.array(["a", "b", "c"])[y]
    final = make_pipeline(
        FunctionTransformer(lambda members: compute_log_odds([members], multiclass=classes > 2)),
        CalibratedMetaLearner(LogisticMetaLearner(settings=(Penalties(10.0),))),
    )
    members = [("bayes", GaussianNB()), ("linear", LogisticRegression())]
    stack = StackingClassifier(members, final, stack_method="predict_proba").fit(X[:300], names[:300])
    assert stack.predict_proba(X[300:]).shape == (100, classes)
    assert (stack.predict(X[300:]) == names[300:]).mean() > 0.65


@pytest.mark.parametrize(
    ("X", "y", "classes", "message"),
    [
        (np.zeros((6, 4)), [0, 1, 2] * 2, None, "X has 4 columns, expected a multiple of 3"),
        (np.zeros((6, 4)), [0] * 6, None, "y contains one class only"),
        (np.zeros((6, 4)), [0, 5] * 3, [0, 1], r"y contains \[5\], which are missing from classes"),
        (np.zeros((2, 4)), [[0, 2], [1, 1]], None, "Unknown label type"),
    ],
)
def test_invalid_input_is_refused(X: Any, y: Any, classes: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LogitMeanMetaLearner().fit(X, y, classes=classes)


def test_a_class_may_be_absent_from_some_rows() -> None:
    X = np.random.default_rng(0).normal(size=(20, 6))
    learner = LogisticMetaLearner().fit(X, np.arange(20) % 2, classes=[0, 1, 2])
    assert learner.predict_proba(X).shape == (20, 3)
    assert learner.classes_.tolist() == [0, 1, 2]


def test_two_classes_may_have_a_column_each() -> None:
    X = np.log(np.random.default_rng(0).dirichlet([1, 1], size=20))
    learner = LogitMeanMetaLearner().fit(X, np.arange(20) % 2, multiclass=True)
    assert np.allclose(learner.predict_proba(X), np.exp(X), atol=1e-6)
