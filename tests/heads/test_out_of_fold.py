"""Heads of a survey: each photo is predicted by one that did not see it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ensembler.competition.folds.file import build_folds
from ensembler.competition.metrics.metrics import log_loss
from ensembler.competition.tables import Tables
from ensembler.errors import Interrupted
from ensembler.heads.linear import LinearHead
from ensembler.heads.out_of_fold import predict_out_of_fold

ROWS = 90
RANDOM = np.random.default_rng(0)
LABELS = RANDOM.integers(0, 3, ROWS)
TARGETS = np.eye(3, dtype=np.float32)[LABELS]
FEATURES = (TARGETS @ RANDOM.normal(size=(3, 12)) + RANDOM.normal(size=(ROWS, 12))).astype(np.float32)
TRAIN = pd.DataFrame({"id": [str(row) for row in range(ROWS)], "label": LABELS.astype(str), "group": ""}, dtype=str)


def folds(count: int, repeats: int = 1):
    return build_folds(Tables(None, None, TRAIN, TRAIN), count, repeats, 0)  # type: ignore[arg-type]


@pytest.mark.parametrize(("count", "repeats"), [(3, 1), (3, 2), (1, 1)])
def test_predictions_are_those_of_heads_without_the_row(count: int, repeats: int) -> None:
    made = folds(count, repeats)
    given = predict_out_of_fold(FEATURES, TARGETS, made, multiclass=True)
    expected = np.zeros((ROWS, 3))
    for split in range(made.splits):
        learned, held_out = made.mask_training(split), made.mask_held_out(split)
        head = LinearHead(multiclass=True).fit(FEATURES[learned], TARGETS[learned], made.make_inner_folds(split))
        expected[held_out] += head.predict_proba(FEATURES[held_out]) / repeats
    assert given.shape == (made.scored.sum(), 3)
    # They are fitted side by side, and end where the slope is small enough.
    assert np.allclose(given, expected[made.scored], atol=2e-2)
    assert log_loss(TARGETS[made.scored], given, multiclass=True) < 1.0


def test_labels_of_a_fold_do_not_reach_its_predictions() -> None:
    made = folds(3)
    held_out = made.mask_held_out(0)
    changed = TARGETS.copy()
    changed[held_out] = np.roll(changed[held_out], 1, axis=1)
    before, after = (predict_out_of_fold(FEATURES, targets, made, multiclass=True) for targets in (TARGETS, changed))
    assert np.array_equal(before[held_out], after[held_out])
    assert not np.allclose(before[~held_out], after[~held_out])


def test_it_can_be_ended_in_the_midst_of_its_fits() -> None:
    looks: list[int] = []

    def raise_if_stopping() -> None:
        looks.append(1)
        if len(looks) == 5:
            raise Interrupted("in the heads")

    with pytest.raises(Interrupted):
        predict_out_of_fold(FEATURES, TARGETS, folds(3), multiclass=True, raise_if_stopping=raise_if_stopping)
