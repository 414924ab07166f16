from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ensembler.competition.metrics import EPSILON, accuracy, log_loss, row_losses

SCORES = arrays(np.float64, (6, 3), elements=st.floats(1e-6, 1))
CLASSES = [0, 1, 2, 2, 1, 0]


@settings(deadline=None)
@given(SCORES)
def test_of_one_class_a_photo(scores):
    probabilities = scores / scores.sum(axis=1, keepdims=True)
    targets = np.eye(3)[CLASSES]
    expected = sklearn.metrics.log_loss(CLASSES, probabilities)
    assert log_loss(targets, probabilities, exclusive=True) == pytest.approx(expected, rel=1e-9)
    expected = sklearn.metrics.accuracy_score(CLASSES, probabilities.argmax(axis=1))
    assert accuracy(targets, probabilities, exclusive=True) == pytest.approx(expected)


@settings(deadline=None)
@given(SCORES)
def test_of_several_labels_it_is_the_mean_over_columns(scores):
    targets = np.array([[0, 1, 1], [1, 1, 0], [0, 0, 0], [1, 0, 1], [1, 1, 1], [0, 0, 1]])
    probabilities = np.minimum(scores, 1 - 1e-6)
    expected = np.mean([sklearn.metrics.log_loss(targets[:, k], probabilities[:, k]) for k in range(3)])
    assert log_loss(targets, probabilities, exclusive=False) == pytest.approx(expected, rel=1e-9)
    expected = 1 - sklearn.metrics.hamming_loss(targets, probabilities > 0.5)
    assert accuracy(targets, probabilities, exclusive=False) == pytest.approx(expected)


def test_of_one_probability_a_photo():
    targets, probabilities = np.array([[0], [1], [1]]), np.array([[0.2], [0.9], [0.4]])
    expected = sklearn.metrics.log_loss(targets[:, 0], probabilities[:, 0])
    assert log_loss(targets, probabilities, exclusive=False) == pytest.approx(expected)
    assert accuracy(targets, probabilities, exclusive=False) == pytest.approx(2 / 3)


@pytest.mark.parametrize("exclusive", [True, False])
def test_being_surely_wrong_costs_no_more_than_kaggle_says(exclusive):
    losses = row_losses([[1, 0], [0, 1]], [[0, 1], [0, 1]], exclusive=exclusive)
    assert losses == pytest.approx([-np.log(EPSILON), 0], abs=1e-12, rel=1e-3)


def test_single_precision_is_not_clipped_to_infinity():
    assert np.isfinite(row_losses([[0]], np.array([[1]], dtype=np.float32), exclusive=False)).all()


def test_a_row_each():
    losses = row_losses(np.eye(3), np.full((3, 3), 1 / 3), exclusive=True)
    assert losses.shape == (3,)
    assert losses == pytest.approx(np.log(3))
