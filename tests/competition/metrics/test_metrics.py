from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ensembler.competition.metrics.metrics import (
    EPSILON,
    METRICS,
    accuracy,
    choose_default_metric,
    choose_label_metric,
    compute_row_losses,
    find_metric,
    log_loss,
    resolve_metric,
)
from ensembler.errors import BadChoice

SCORES = arrays(np.float64, (6, 3), elements=st.floats(1e-6, 1))
CLASSES = [0, 1, 2, 2, 1, 0]


@settings(deadline=None)
@given(SCORES)
def test_of_one_class_a_photo(scores):
    probabilities = scores / scores.sum(axis=1, keepdims=True)
    targets = np.eye(3)[CLASSES]
    expected = sklearn.metrics.log_loss(CLASSES, probabilities)
    assert log_loss(targets, probabilities, multiclass=True) == pytest.approx(expected, rel=1e-9)
    expected = sklearn.metrics.accuracy_score(CLASSES, probabilities.argmax(axis=1))
    assert accuracy(targets, probabilities, multiclass=True) == pytest.approx(expected)


@settings(deadline=None)
@given(SCORES)
def test_of_several_labels_it_is_the_mean_over_columns(scores):
    targets = np.array([[0, 1, 1], [1, 1, 0], [0, 0, 0], [1, 0, 1], [1, 1, 1], [0, 0, 1]])
    probabilities = np.minimum(scores, 1 - 1e-6)
    expected = np.mean([sklearn.metrics.log_loss(targets[:, k], probabilities[:, k]) for k in range(3)])
    assert log_loss(targets, probabilities, multiclass=False) == pytest.approx(expected, rel=1e-9)
    expected = 1 - sklearn.metrics.hamming_loss(targets, probabilities > 0.5)
    assert accuracy(targets, probabilities, multiclass=False) == pytest.approx(expected)


def test_of_one_probability_a_photo():
    targets, probabilities = np.array([[0], [1], [1]]), np.array([[0.2], [0.9], [0.4]])
    expected = sklearn.metrics.log_loss(targets[:, 0], probabilities[:, 0])
    assert log_loss(targets, probabilities, multiclass=False) == pytest.approx(expected)
    assert accuracy(targets, probabilities, multiclass=False) == pytest.approx(2 / 3)


@pytest.mark.parametrize("exclusive", [True, False])
def test_being_surely_wrong_costs_no_more_than_kaggle_says(exclusive):
    losses = compute_row_losses([[1, 0], [0, 1]], [[0, 1], [0, 1]], multiclass=exclusive)
    assert losses == pytest.approx([-np.log(EPSILON), 0], abs=1e-12, rel=1e-3)


def test_single_precision_is_not_clipped_to_infinity():
    assert np.isfinite(compute_row_losses([[0]], np.array([[1]], dtype=np.float32), multiclass=False)).all()


def test_a_row_each():
    losses = compute_row_losses(np.eye(3), np.full((3, 3), 1 / 3), multiclass=True)
    assert losses.shape == (3,)
    assert losses == pytest.approx(np.log(3))


@pytest.mark.parametrize("name", METRICS)
def test_our_own_names_are_understood(name):
    assert find_metric(name) == find_metric(name.upper().replace(" ", "_")) == METRICS[name]


# As Kaggle's pages, its list of competitions and its programs spell them.
@pytest.mark.parametrize(
    ("spelling", "task", "name"),
    [
        ("Log Loss", "binary", "log loss"),
        ("LogLoss", "binary", "log loss"),
        ("Multi Class Log Loss", "multiclass", "log loss"),
        ("Multiclass Loss", "multiclass", "log loss"),
        ("MulticlassLoss", "multiclass", "log loss"),
        ("MultiClassLogLoss", "multiclass", "log loss"),
        ("Log Loss", "multilabel", "mean column-wise log loss"),
        ("Mean Columnwise Log Loss", "multilabel", "mean column-wise log loss"),
        ("MeanColumnwiseLogLoss", "multilabel", "mean column-wise log loss"),
        ("Mean Columnwise Log Loss", "binary", "log loss"),
        ("Categorization Accuracy", "multiclass", "accuracy"),
        ("CategorizationAccuracy", "binary", "accuracy"),
        ("Accuracy Score", "binary", "accuracy"),
        ("Area Under Receiver Operating Characteristic Curve", "binary", "roc auc"),
        ("AUC", "binary", "roc auc"),
        ("Roc Auc Score", "binary", "roc auc"),
        ("AUC", "multiclass", "mean column-wise roc auc"),
        ("MCAUC", "multilabel", "mean column-wise roc auc"),
        ("Mean Columnwise AUC", "multiclass", "mean column-wise roc auc"),
        ("Mean Column-wise ROC AUC", "multiclass", "mean column-wise roc auc"),
        (
            "Mean Columnwise Area Under Receiver Operating Characteristic Curve",
            "multilabel",
            "mean column-wise roc auc",
        ),
        ("MCAUC", "binary", "roc auc"),
        ("MeanFScore", "multilabel", "sample f1"),
        ("Mean F-Score", "multiclass", "micro f1"),
        ("Mean F1-Score", "binary", "micro f1"),
        ("MeanFScoreBeta", "multilabel", "sample f2"),
        ("F_{Beta} Score", "multilabel", "sample f2"),
        ("Mean F-Score (Beta=1)", "multilabel", "sample f1"),
        ("F2", "multilabel", "sample f2"),
        ("Macro F-Score", "multiclass", "macro f1"),
        ("MacroFScore", "multilabel", "macro f1"),
        ("Macro F1 Score", "multiclass", "macro f1"),
        ("F-Score (Macro)", "multiclass", "macro f1"),
        ("F-Score (Micro)", "multilabel", "micro f1"),
        ("F1 Score", "binary", "f1"),
        ("F-Score", "multiclass", "macro f1"),
        ("Quadratic Weighted Kappa", "multiclass", "quadratic weighted kappa"),
        ("QuadraticWeightedKappa", "multiclass", "quadratic weighted kappa"),
    ],
)
def test_kaggles_names_mean_what_the_task_makes_of_them(spelling, task, name):
    assert resolve_metric(spelling, task).name == name


@pytest.mark.parametrize("text", ["", "Score", "RMSE", "MAP@{K}", "Weighted Mean Columnwise Log Loss", "Dice"])
def test_what_is_not_known_is_not_guessed(text):
    assert find_metric(text) is None


@pytest.mark.parametrize(
    ("text", "task", "words"),
    [
        ("acuracy", "binary", "did you mean accuracy"),
        ("dice", "multiclass", "no metric named 'dice'"),
        ("quadratic weighted kappa", "multilabel", "does not support a multilabel task: choose one of"),
    ],
)
def test_what_does_not_fit_is_refused(text, task, words):
    with pytest.raises(BadChoice, match=words):
        resolve_metric(text, task)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_a_metric_stays_itself_in_its_tasks(metric):
    assert {metric.resolve_for_task(task) for task in metric.tasks} == {metric}


@pytest.mark.parametrize(
    ("task", "kind", "name"),
    [
        ("binary", "probabilities", "log loss"),
        ("multiclass", "probabilities", "log loss"),
        ("multilabel", "probabilities", "mean column-wise log loss"),
        ("binary", "label", "accuracy"),
        ("multiclass", "label", "accuracy"),
        ("multilabel", "tags", "sample f1"),
    ],
)
def test_the_default(task, kind, name):
    assert choose_default_metric(task, kind).name == name


def test_answers_of_labels_are_judged_by_a_metric_that_takes_them():
    assert choose_label_metric(METRICS["sample f2"], "multilabel").name == "sample f2"
    assert choose_label_metric(METRICS["log loss"], "multiclass").name == "accuracy"
    assert choose_label_metric(METRICS["mean column-wise log loss"], "multilabel").name == "sample f1"


def test_less_cost_is_better_and_any_number_beats_none():
    loss, area, none = METRICS["log loss"], METRICS["roc auc"], float("nan")
    assert loss.compute_cost(0.1) < loss.compute_cost(0.2) < loss.compute_cost(none)
    assert area.compute_cost(0.2) < area.compute_cost(0.1) < area.compute_cost(none)
