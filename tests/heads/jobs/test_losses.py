from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops
from sklearn.metrics import log_loss
from sklearn.utils.class_weight import compute_class_weight

from ensembler.heads.jobs.losses import LogLoss, build_loss, compute_class_weights, join_targets
from ensembler.heads.links import compute_probabilities
from ensembler.heads.soft_targets import SoftTargets, compute_distillation_losses_and_errors

RANDOM = np.random.default_rng(0)
CHANCES = RANDOM.dirichlet(np.ones(3), 20).astype("f4")
CLASSES = np.concatenate([np.zeros(12, int), np.ones(5, int), np.full(3, 2)])
ONE_HOT = np.eye(3, dtype="f4")[CLASSES]
TAGS = (RANDOM.random((20, 3)) < [0.1, 0.5, 0.8]).astype("f4")
ODDS = RANDOM.uniform(0.01, 0.99, (20, 3)).astype("f4")
PLAIN = np.ones((2, 3), "f4")


def value(
    labels: np.ndarray, predicted: np.ndarray, *, multiclass: bool, smoothing: float = 0, weights: np.ndarray = PLAIN
) -> float:
    return float(LogLoss(multiclass=multiclass, smoothing=smoothing, weights=weights)(labels, predicted))


def test_without_options_it_is_the_log_loss() -> None:
    assert value(ONE_HOT, CHANCES, multiclass=True) == pytest.approx(log_loss(CLASSES, CHANCES), rel=1e-5)
    expected = np.mean([log_loss(TAGS[:, tag], ODDS[:, tag], labels=[0, 1]) for tag in range(3)])
    assert value(TAGS, ODDS, multiclass=False) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("ours", "theirs", "labels", "predicted"),
    [
        (True, keras.losses.CategoricalCrossentropy(label_smoothing=0.1), ONE_HOT, CHANCES),
        (False, keras.losses.BinaryCrossentropy(label_smoothing=0.1), TAGS, ODDS),
    ],
)
def test_smoothing_is_that_of_keras(
    ours: bool, theirs: keras.losses.Loss, labels: np.ndarray, predicted: np.ndarray
) -> None:
    assert value(labels, predicted, multiclass=ours, smoothing=0.1) == pytest.approx(float(theirs(labels, predicted)))


def test_weights_multiply_the_loss_of_a_row() -> None:
    weights = np.array([[1, 1, 1], [2, 0.5, 3]], "f4")
    expected = np.mean(weights[1, CLASSES] * -np.log(CHANCES[np.arange(20), CLASSES]))
    assert value(ONE_HOT, CHANCES, multiclass=True, weights=weights) == pytest.approx(expected, rel=1e-5)
    both = np.array([[1, 2, 3], [4, 5, 6]], "f4")
    rows = -(both[1] * TAGS * np.log(ODDS) + both[0] * (1 - TAGS) * np.log(1 - ODDS))
    assert value(TAGS, ODDS, multiclass=False, weights=both) == pytest.approx(rows.mean(), rel=1e-5)


def test_soft_labels_are_weighted_class_by_class() -> None:
    weights = np.array([[1, 1, 1], [2, 0.5, 3]], "f4")
    soft = RANDOM.dirichlet(np.ones(3), 20).astype("f4")
    expected = -(weights[1] * soft * np.log(CHANCES)).sum(axis=1).mean()
    assert value(soft, CHANCES, multiclass=True, weights=weights) == pytest.approx(expected, rel=1e-5)


def test_balanced_weights_of_classes_are_those_of_scikit_learn() -> None:
    expected = compute_class_weight("balanced", classes=np.arange(3), y=CLASSES)
    weights = compute_class_weights(ONE_HOT, "balanced", multiclass=True)
    assert weights[1] == pytest.approx(expected)
    assert np.mean(weights[1, CLASSES]) == pytest.approx(1)


def test_balanced_weights_of_tags_balance_each_tag() -> None:
    weights = compute_class_weights(TAGS, "balanced", multiclass=False)
    present, absent = (TAGS * weights[1]).sum(axis=0), ((1 - TAGS) * weights[0]).sum(axis=0)
    assert present == pytest.approx(absent)
    assert present + absent == pytest.approx(np.full(3, 20.0))


def test_a_class_without_rows_has_weight_one() -> None:
    labels = np.zeros((4, 3), "f4")
    labels[:2, 0] = labels[2:, 1] = 1
    assert compute_class_weights(labels, "balanced", multiclass=True)[1].tolist() == [1, 1, 1]
    assert compute_class_weights(labels, "none", multiclass=False).tolist() == PLAIN.tolist()


@pytest.mark.parametrize(("multiclass", "outputs"), [(True, 3), (False, 1), (False, 4)])
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_distillation_is_the_same_loss_as_that_of_linear_heads(
    multiclass: bool, outputs: int, temperature: float
) -> None:
    random = np.random.default_rng(3)
    labels, taught, scores = random.normal(0, 2, (3, 6, outputs)).astype(np.float32)
    labels, taught = (compute_probabilities(each, multiclass=multiclass) for each in (labels, taught))
    soft = SoftTargets(taught, 0.8, temperature)
    weights = np.ones((2, outputs), np.float32)
    loss = build_loss(multiclass=multiclass, smoothing=0.0, weights=weights, soft=soft)
    ours = loss.call(
        ops.convert_to_tensor(join_targets(labels, soft)),
        ops.convert_to_tensor(compute_probabilities(scores, multiclass=multiclass)),
    )
    softened = soft.soften(multiclass=multiclass)
    theirs, _ = compute_distillation_losses_and_errors(scores.copy(), labels, softened, soft, multiclass=multiclass)
    assert np.asarray(ours) == pytest.approx(theirs.mean(axis=1), abs=1e-4)


def test_without_a_teacher_targets_and_loss_are_plain() -> None:
    targets = np.ones((2, 1), np.float32)
    assert join_targets(targets, None) is targets
    assert type(build_loss(multiclass=False, smoothing=0.0, weights=np.ones((2, 1), np.float32))) is LogLoss
