from __future__ import annotations

import numpy as np
import pytest

from ensembler.heads.jobs.keras_heads import build_head, build_random_head

RANDOM = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype("f4")


@pytest.mark.parametrize(("exclusive", "outputs"), [(True, 3), (False, 1), (False, 2)])
def test_a_head_gives_probabilities_of_the_linear_scores(exclusive: bool, outputs: int) -> None:
    random = np.random.default_rng(0)
    kernel, bias = random.normal(size=(5, outputs)).astype("f4"), random.normal(size=outputs).astype("f4")
    features = random.normal(size=(4, 5)).astype("f4")
    given = build_head(kernel, bias, multiclass=exclusive).predict(features, verbose=0)
    scores = features @ kernel + bias
    powers = np.exp(scores)
    expected = powers / powers.sum(axis=1, keepdims=True) if exclusive else powers / (1 + powers)
    assert given == pytest.approx(expected, abs=1e-6)


def test_hidden_layers_are_rectified() -> None:
    features, hidden, kernel, bias = normal(4, 5), (normal(5, 6), normal(6)), normal(6, 1), normal(1)
    given = build_head(kernel, bias, multiclass=False, hidden=[hidden]).predict(features, verbose=0)
    scores = np.maximum(features @ hidden[0] + hidden[1], 0) @ kernel + bias
    assert given == pytest.approx(1 / (1 + np.exp(-scores)), abs=1e-6)


@pytest.mark.parametrize("hidden", [[], [(normal(5, 6), normal(6))]])
def test_dropout_acts_before_each_dense_layer_and_in_training_alone(
    hidden: list[tuple[np.ndarray, np.ndarray]],
) -> None:
    kernel = normal(6 if hidden else 5, 1)
    plain = build_head(kernel, normal(1) * 0, multiclass=False, hidden=hidden)
    dropped = build_head(kernel, normal(1) * 0, multiclass=False, hidden=hidden, dropout=0.5)
    features = normal(4, 5)
    assert np.array_equal(plain(features, training=False), dropped(features, training=False))
    assert not np.allclose(dropped(features, training=True), dropped(features, training=True))
    kinds = [type(layer).__name__ for layer in dropped.layers[1:]]
    assert kinds == ["Dropout", "Dense"] * (1 + len(hidden))


@pytest.mark.parametrize(("exclusive", "hidden"), [(True, 0), (True, 7), (False, 0), (False, 7)])
def test_a_random_head_begins_near_the_prior(exclusive: bool, hidden: int) -> None:
    shares = np.array([0.7, 0.2, 0.1])
    head = build_random_head(5, shares, 3, multiclass=exclusive, hidden=hidden)
    nothing = np.zeros((1, 5), "f4")
    assert np.array(head(nothing))[0] == pytest.approx(shares, abs=1e-6)
    assert head(normal(1, 5)).shape == (1, 3)
    same, other = (
        build_random_head(5, shares, seed, multiclass=exclusive, hidden=hidden).get_weights() for seed in (3, 4)
    )
    assert np.array_equal(same[0], head.get_weights()[0])
    assert not np.array_equal(other[0], head.get_weights()[0])


def test_random_kernels_have_the_spread_of_glorot() -> None:
    kernel = build_random_head(300, np.array([0.5]), 0, multiclass=False, hidden=100).get_weights()[0]
    limit = np.sqrt(6 / 400)
    assert np.abs(kernel).max() == pytest.approx(limit, rel=0.01)
    assert kernel.std() == pytest.approx(limit / np.sqrt(3), rel=0.02)
