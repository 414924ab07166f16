from __future__ import annotations

import numpy as np
import pytest

from ensembler.checks.labels import odd_photos
from ensembler.checks.labels.odd_photos import choose_odd, choose_uncertain, measure_entropy, score_by_features
from ensembler.progress import SILENT


@pytest.mark.parametrize("references", [10_000, 150])
def test_photos_far_from_all_others_come_first(monkeypatch, references: int) -> None:
    monkeypatch.setattr(odd_photos, "MAX_REFERENCES", references)
    monkeypatch.setattr(odd_photos, "STEP", 40)
    random = np.random.default_rng(0)
    features = np.abs(random.normal(1, 0.1, (300, 20)))
    features[[7, 100, 250], 10:] = 0
    features[[7, 100, 250], :10] *= random.random((3, 10)) + 0.5
    scores = score_by_features(features.astype(np.float32), SILENT)
    assert set(np.argsort(scores)[:3].tolist()) == {7, 100, 250}
    assert set(choose_odd(scores).tolist()) == {7, 100, 250}
    assert ((scores >= 0) & (scores <= 1)).all()


def test_few_photos_are_never_odd() -> None:
    assert not choose_odd(score_by_features(np.eye(5, dtype=np.float32), SILENT)).size


@pytest.mark.parametrize(
    ("probabilities", "entropy"),
    [([[0.5]], 1.0), ([[1.0]], 0.0), ([[1 / 3] * 3], 1.0), ([[0.5, 0.5, 0.0]], 0.6309), ([[0.5, 1.0, 1.0]], 1 / 3)],
)
def test_entropy_is_a_share_of_the_largest_one(probabilities, entropy: float) -> None:
    assert measure_entropy(np.array(probabilities)) == pytest.approx([entropy], abs=1e-4)


def test_the_least_certain_come_first() -> None:
    assert choose_uncertain(np.array([[0.9], [0.45], [0.5], [0.1]])).tolist() == [2, 1]
