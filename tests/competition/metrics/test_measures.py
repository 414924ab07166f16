from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sklearn.metrics as theirs
from helpers.answers_made import BINARY, MULTICLASS, MULTILABEL

from ensembler.competition.metrics.decisions import choose_labels
from ensembler.competition.metrics.measures import measure_labels, measure_probabilities
from ensembler.competition.metrics.metrics import METRICS
from ensembler.competition.metrics.standard_errors import InfluenceScore

ROWS = 400
MANIFESTS = {"binary": BINARY, "multiclass": MULTICLASS, "multilabel": MULTILABEL}


def made(task, seed=0):
    """Targets and probabilities that tell something of them; many are tied."""
    random = np.random.default_rng(seed)
    if task == "multiclass":
        targets = np.eye(3)[random.choice(3, ROWS, p=[0.6, 0.3, 0.1])]
    else:
        targets = (random.random((ROWS, 1 if task == "binary" else 3)) < 0.3).astype(float)
    scores = np.round(np.exp(targets + random.normal(size=targets.shape)), 1) + 0.05
    return targets, scores / scores.sum(axis=1, keepdims=True) if task == "multiclass" else scores / (1 + scores)


def classes_of(flags, task):
    return flags[:, 0] if task == "binary" else flags.argmax(axis=1)


def f1(average):
    return lambda truth, chosen: theirs.f1_score(truth, chosen, average=average, zero_division=0)


OF_CLASSES = {
    "accuracy": theirs.accuracy_score,
    "f1": f1("binary"),
    "macro f1": f1("macro"),
    "micro f1": f1("micro"),
    "quadratic weighted kappa": lambda truth, chosen: theirs.cohen_kappa_score(truth, chosen, weights="quadratic"),
}
OF_TAGS = {
    "accuracy": lambda truth, chosen: 1 - theirs.hamming_loss(truth, chosen),
    "macro f1": f1("macro"),
    "micro f1": f1("micro"),
    "sample f1": f1("samples"),
    "sample f2": lambda truth, chosen: theirs.fbeta_score(truth, chosen, beta=2, average="samples", zero_division=0),
}


@pytest.mark.parametrize(
    ("name", "task"), [(name, task) for name in OF_CLASSES for task in METRICS[name].tasks if task != "multilabel"]
)
def test_metrics_of_classes_are_scikit_learns(name, task):
    targets, probabilities = made(task)
    decided = choose_labels(METRICS[name], probabilities, MANIFESTS[task])
    expected = OF_CLASSES[name](classes_of(targets, task), classes_of(decided, task))
    assert 0.1 < expected < 0.99
    assert measure_probabilities(METRICS[name], targets, probabilities, MANIFESTS[task]).value == pytest.approx(
        expected, rel=1e-12
    )


@pytest.mark.parametrize("name", OF_TAGS)
def test_metrics_of_tags_are_scikit_learns(name):
    targets, probabilities = made("multilabel")
    decided = choose_labels(METRICS[name], probabilities, MULTILABEL)
    expected = OF_TAGS[name](targets, decided)
    assert 0.1 < expected < 0.99
    assert measure_probabilities(METRICS[name], targets, probabilities, MULTILABEL).value == pytest.approx(
        expected, rel=1e-12
    )


@pytest.mark.parametrize(
    ("name", "task", "expected"),
    [
        ("log loss", "binary", theirs.log_loss),
        ("log loss", "multiclass", theirs.log_loss),
        ("roc auc", "binary", theirs.roc_auc_score),
        ("mean column-wise roc auc", "multiclass", theirs.roc_auc_score),
        ("mean column-wise roc auc", "multilabel", theirs.roc_auc_score),
    ],
)
def test_metrics_of_probabilities_are_scikit_learns(name, task, expected):
    targets, probabilities = made(task)
    ours = measure_probabilities(METRICS[name], targets, probabilities, MANIFESTS[task]).value
    assert ours == pytest.approx(expected(targets, probabilities), rel=1e-9)


@pytest.mark.parametrize("task", ["multiclass", "multilabel"])
def test_column_wise_log_loss_is_the_mean_of_binary_ones(task):
    targets, probabilities = made(task)
    expected = np.mean([theirs.log_loss(targets[:, k], probabilities[:, k]) for k in range(3)])
    metric = METRICS["mean column-wise log loss"]
    assert measure_probabilities(metric, targets, probabilities, MANIFESTS[task]).value == pytest.approx(expected)


def test_log_loss_of_several_labels_is_the_column_wise_one():
    targets, probabilities = made("multilabel")
    losses = {
        measure_probabilities(METRICS[name], targets, probabilities, MULTILABEL).value
        for name in ("log loss", "mean column-wise log loss")
    }
    assert len(losses) == 1


def test_kappa_is_of_the_numbers_that_classes_stand_for():
    """By the formula, where classes are not evenly spaced."""
    targets, probabilities = made("multiclass")
    decided = probabilities > np.sort(probabilities, axis=1)[:, [1]]
    targets, decided = targets[decided.any(axis=1)], decided[decided.any(axis=1)]
    levels = np.array([0, 1, 5])
    truth, chosen = levels[targets.argmax(axis=1)], levels[decided.argmax(axis=1)]
    expected = 1 - ((truth - chosen) ** 2).mean() / ((truth[:, None] - chosen) ** 2).mean()
    manifest = replace(MULTICLASS, classes=("0", "1", "5"))
    ours = measure_labels(METRICS["quadratic weighted kappa"], targets > 0.5, decided, manifest)
    assert ours.value == pytest.approx(expected)


@pytest.mark.parametrize(("name", "task"), [(name, task) for name in METRICS for task in METRICS[name].tasks])
@pytest.mark.parametrize("rows", [1, 5])
def test_rows_of_one_class_alone_are_no_accident(name, task, rows):
    targets = np.zeros((rows, 1 if task == "binary" else 3))
    if task == "multiclass":
        targets[:, 1] = 1
    probabilities = np.full(targets.shape, 1 / 3, dtype=np.float32)
    measured = measure_probabilities(METRICS[name], targets, probabilities, MANIFESTS[task])
    if "auc" in name:
        assert np.isnan(measured.value)
    elif "kappa" not in name:
        assert np.isfinite(measured.value)
    assert not np.isinf(measured.compute_standard_error(np.arange(rows)))


def test_a_column_of_one_class_is_left_out_of_the_mean_auc():
    targets, probabilities = made("multilabel")
    targets[:, 1] = 0
    expected = theirs.roc_auc_score(targets[:, [0, 2]], probabilities[:, [0, 2]])
    measured = measure_probabilities(METRICS["mean column-wise roc auc"], targets, probabilities, MULTILABEL)
    assert measured.value == pytest.approx(expected)


def test_a_class_that_is_nowhere_is_left_out_of_macro_f1():
    targets, probabilities = made("multiclass")
    kept = targets[:, 2] == 0
    targets, decided = targets[kept], np.eye(3)[probabilities[kept][:, :2].argmax(axis=1)]
    expected = theirs.f1_score(targets.argmax(axis=1), decided.argmax(axis=1), average="macro")
    measured = measure_labels(METRICS["macro f1"], targets > 0.5, decided > 0.5, MULTICLASS)
    assert measured.value == pytest.approx(expected)


def test_influences_on_the_auc_are_what_it_loses_without_the_row():
    targets, probabilities = made("binary")
    metric = METRICS["roc auc"]
    whole = measure_probabilities(metric, targets, probabilities, BINARY)
    assert isinstance(whole, InfluenceScore)
    for row in (*np.flatnonzero(targets[:, 0])[:5], *np.flatnonzero(targets[:, 0] == 0)[:5]):
        rest = measure_probabilities(metric, np.delete(targets, row, 0), np.delete(probabilities, row, 0), BINARY)
        alike = (targets == targets[row]).sum()
        assert whole.influences[row] == pytest.approx((whole.value - rest.value) * ROWS * (alike - 1) / alike)
