from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers.members_made import SETTINGS

from ensembler.competition.metrics.metrics import log_loss
from ensembler.heads.jobs import hidden
from ensembler.heads.jobs.hidden import MAX_EPOCHS, HiddenHead
from ensembler.heads.linear import LinearHead

RANDOM = np.random.default_rng(0)
X = (RANDOM.normal(size=(600, 6)) * [1, 5, 20, 0.1, 1, 1] + 3).astype("f4")
# A linear head cannot separate these classes.
Y = ((X[:, 0] > 3) ^ (X[:, 1] > 3)).astype("f4")[:, None]
FOLDS = np.arange(600) % 4
HIDDEN = replace(SETTINGS, hidden=32, weight_decay=0.01)


@pytest.fixture(scope="module")
def fitted() -> HiddenHead:
    return HiddenHead(HIDDEN, multiclass=False).fit(X[:450], Y[:450], FOLDS[:450])


@pytest.mark.slow
def test_it_learns_what_a_linear_head_cannot(fitted: HiddenHead) -> None:
    linear = LinearHead(multiclass=False).fit(X[:450], Y[:450], FOLDS[:450])
    ours, theirs = (log_loss(Y[450:], head.predict_proba(X[450:]), multiclass=False) for head in (fitted, linear))
    assert ours < 0.75 * theirs


@pytest.mark.slow
def test_the_network_expects_raw_features(fitted: HiddenHead) -> None:
    hidden = np.maximum(X @ fitted.hidden_[0] + fitted.hidden_[1], 0)
    expected = 1 / (1 + np.exp(-(hidden @ fitted.kernel_ + fitted.bias_)))
    assert fitted.build_keras_head().predict(X, verbose=0) == pytest.approx(expected, abs=1e-5)
    assert np.abs(fitted.predict_proba(X) - expected).max() < 1e-5


def test_the_same_seed_gives_the_same_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hidden, "MAX_EPOCHS", 10)
    once, again, other = (
        HiddenHead(replace(HIDDEN, seed=seed), multiclass=False).fit(X[:40], Y[:40], FOLDS[:40]) for seed in (0, 0, 1)
    )
    assert once.epochs_ == again.epochs_
    assert np.array_equal(once.kernel_, again.kernel_)
    assert not np.array_equal(once.kernel_, other.kernel_)


@pytest.mark.slow
def test_random_labels_are_trained_for_few_epochs(fitted: HiddenHead) -> None:
    tosses = RANDOM.integers(0, 2, (450, 1)).astype("f4")
    noise = HiddenHead(HIDDEN, multiclass=False).fit(X[:450], tosses, FOLDS[:450])
    assert noise.epochs_ < fitted.epochs_ <= MAX_EPOCHS


@pytest.mark.slow
def test_exclusive_classes_sum_to_one_with_all_options() -> None:
    settings = replace(HIDDEN, dropout=0.2, label_smoothing=0.1, class_weights="balanced")
    one_hot = np.eye(3, dtype="f4")[RANDOM.integers(0, 3, 60)]
    head = HiddenHead(settings, multiclass=True).fit(np.concatenate([X[:60], -X[:60]]), one_hot, FOLDS[:60], views=2)
    assert head.predict_proba(X).sum(axis=1) == pytest.approx(np.ones(600), abs=1e-5)
    kinds = [type(layer).__name__ for layer in head.build_keras_head().layers[1:]]
    assert kinds == ["Dropout", "Dense", "Dropout", "Dense"]
