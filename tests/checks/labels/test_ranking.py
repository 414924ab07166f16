from __future__ import annotations

import numpy as np
import pytest
from helpers.answers_made import BINARY, MULTICLASS, MULTILABEL

from ensembler.checks.labels.ranking import agree_beyond_chance, rank_labels
from ensembler.heads.links import compute_probabilities

PHOTOS = 600


def plant(manifest, share: float = 0.05, seed: int = 0):
    """Probabilities that follow the true labels with noise, and targets of which a share is wrong."""
    random = np.random.default_rng(seed)
    outputs = len(manifest.outputs)
    wrong = random.random((PHOTOS, outputs)) < share if outputs > 1 else random.random((PHOTOS, 1)) < share
    if manifest.task == "multiclass":
        true = np.eye(outputs)[random.integers(0, outputs, PHOTOS)]
        wrong = wrong[:, 0]
        given = np.where(wrong[:, None], np.roll(true, 1, axis=1), true)
    else:
        true = (random.random((PHOTOS, outputs)) < 0.5).astype(float)
        given = np.where(wrong, 1 - true, true)
        wrong = wrong.any(axis=1)
    odds = 6 * (true - 0.5) + random.normal(0, 1, true.shape)
    probabilities = compute_probabilities(odds.astype(np.float32), multiclass=manifest.task == "multiclass")
    return given.astype(np.float32), probabilities, wrong, true


@pytest.mark.parametrize("manifest", [BINARY, MULTICLASS, MULTILABEL], ids=lambda each: each.task)
@pytest.mark.parametrize("seed", range(3))
def test_planted_errors_come_first(manifest, seed: int) -> None:
    targets, probabilities, wrong, true = plant(manifest, seed=seed)
    ranked = rank_labels(targets, probabilities, manifest)
    first = np.argsort(ranked.trust)[: int(1.6 * wrong.sum())]
    assert wrong[first].sum() >= 0.9 * wrong.sum()
    assert wrong[ranked.doubted].mean() >= 0.9
    assert ranked.doubted[wrong].mean() >= 0.7
    # Nearly every suggestion is the true label.
    names = {tuple(row): label for row, label in zip((targets > 0.5).tolist(), ranked.suggested, strict=True)}
    assert names
    right = [_format(row, manifest) == label for row, label in zip(true, ranked.suggested, strict=True)]
    assert np.mean(np.array(right)[ranked.doubted]) >= 0.9
    assert (ranked.suggested_probability[ranked.doubted] > 0.5).all()


def _format(row: np.ndarray, manifest) -> str:
    if manifest.task == "multilabel":
        return "|".join(np.array(manifest.outputs)[row > 0.5])
    return manifest.classes[int(row[0]) if len(row) == 1 else int(row.argmax())]


@pytest.mark.parametrize("manifest", [BINARY, MULTICLASS, MULTILABEL], ids=lambda each: each.task)
def test_right_labels_are_not_doubted(manifest) -> None:
    targets, probabilities, _, _ = plant(manifest, share=0.0)
    sure = np.where(targets > 0.5, 0.9, 0.1).astype(np.float32)
    sure /= sure.sum(axis=1, keepdims=True) if manifest.task == "multiclass" else 1
    assert not rank_labels(targets, sure, manifest).doubted.any()
    assert rank_labels(targets, probabilities, manifest).doubted.mean() < 0.01


def test_a_class_without_photos_changes_nothing() -> None:
    targets, probabilities, _, _ = plant(MULTICLASS)
    known = targets[:, 2] == 0
    ranked = rank_labels(targets[known], probabilities[known], MULTICLASS)
    assert 0 < ranked.doubted.sum() < 0.2 * known.sum()
    alone = np.tile(np.float32([1, 0, 0]), (5, 1))
    assert not rank_labels(alone, alone, MULTICLASS).doubted.any()


def test_predictions_at_random_agree_with_labels_by_chance_only() -> None:
    random, found = np.random.default_rng(0), []
    for _ in range(400):
        labels = np.eye(3, dtype=np.float32)[random.choice(3, 60, p=[0.7, 0.2, 0.1])]
        probabilities = random.dirichlet([0.2, 0.2, 0.2], 60)
        found.append(agree_beyond_chance(labels, probabilities))
    # The rate is 5 % with a standard error of 1.1 %.
    assert np.mean(found) < 0.085


@pytest.mark.parametrize("sharpness", [0.1, 1.0, 30.0])
def test_weak_predictions_of_any_confidence_agree_with_labels(sharpness: float) -> None:
    random = np.random.default_rng(0)
    labels = (random.random((400, 1)) < 0.05).astype(np.float32)
    logits = sharpness * (random.normal(size=labels.shape) + 1.5 * labels - 2)
    assert agree_beyond_chance(labels, 1 / (1 + np.exp(-logits)))
    assert not agree_beyond_chance(labels, np.full(labels.shape, 0.05))
