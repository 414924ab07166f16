from __future__ import annotations

import numpy as np
import pytest

from ensembler.errors import BadData
from ensembler.stacking.validation import require_classes


def targets(labels: list[int], classes: int) -> np.ndarray:
    return np.eye(classes, dtype=np.float32)[labels]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [([0, 1, 0, 1, 0, 1], []), ([0, 1, 0, 1, 0, 0], ["b"])],
)
def test_classes_that_are_absent_from_a_fold_are_returned(labels: list[int], expected: list[str]) -> None:
    folds = np.array([0, 0, 1, 1, 2, 2])
    assert require_classes(targets(labels, 2), folds, ["a", "b"], single_label=True) == expected


def test_a_class_in_one_fold_only_is_refused() -> None:
    folds = np.array([0, 0, 1, 1, 2, 2])
    with pytest.raises(BadData, match="scored on b"):
        require_classes(targets([0, 1, 0, 0, 0, 0], 2), folds, ["a", "b"], single_label=True)


@pytest.mark.parametrize(("value", "name"), [(0.0, "dog"), (1.0, "cat")])
def test_both_of_two_classes_must_have_rows(value: float, name: str) -> None:
    folds = np.arange(6) % 3
    with pytest.raises(BadData, match=f"scored on {name},"):
        require_classes(np.full((6, 1), value, np.float32), folds, ["cat", "dog"], single_label=True)


@pytest.mark.parametrize("labels", [[0, 1, 0, 1, 2, 1], [0, 1, 0, 1, 0, 1]])
def test_a_rare_or_absent_class_beside_two_others_is_not_refused(labels: list[int]) -> None:
    folds = np.array([0, 0, 1, 1, 2, 2])
    absent = require_classes(targets(labels, 3), folds, ["a", "b", "c"], single_label=True)
    assert "c" in absent


def test_rare_tags_are_not_refused() -> None:
    folds = np.arange(6) % 3
    tags = np.zeros((6, 2), np.float32)
    tags[:, 0] = 1
    assert require_classes(tags, folds, ["sky", "cave"], single_label=False) == ["cave"]
