from __future__ import annotations

import numpy as np
import pytest

from ensembler.competition.metrics.metrics import log_loss
from ensembler.heads.links import compute_probabilities
from ensembler.surveys import best_combination as trios
from ensembler.surveys.best_combination import find_best_combination

ROWS = 600
RANDOM = np.random.default_rng(0)
FOLDS = RANDOM.integers(0, 5, ROWS)


def binary() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Five members of which three see different parts of the truth, one repeats the best one, one is noise."""
    parts = RANDOM.normal(size=(ROWS, 3))
    truth = (parts.sum(axis=1) + 0.3 * RANDOM.normal(size=ROWS) > 0).astype(np.float32)[:, None]
    seen = {f"part-{n}": parts[:, [n]] * 1.2 for n in range(3)}
    seen |= {"copy": parts[:, [0]] * 1.1, "noise": RANDOM.normal(size=(ROWS, 1))}
    return {name: compute_probabilities(scores, multiclass=False) for name, scores in seen.items()}, truth


def test_the_three_that_complete_each_other_are_found() -> None:
    members, truth = binary()
    found = find_best_combination(members, truth, FOLDS, multiclass=False)
    assert found is not None
    assert set(found.names) == {"part-0", "part-1", "part-2"}
    best = min(log_loss(truth, one, multiclass=False) for one in members.values())
    assert found.log_loss < best - 0.1
    assert found.losses.shape == (ROWS,)


def test_classes() -> None:
    labels = RANDOM.integers(0, 4, ROWS)
    truth = np.eye(4, dtype=np.float32)[labels]
    members = {
        str(n): compute_probabilities(truth * 2 + RANDOM.normal(size=(ROWS, 4)) * (1 + n), multiclass=True)
        for n in range(4)
    }
    found = find_best_combination(members, truth, FOLDS, multiclass=True)
    assert found is not None
    assert found.names == ("0", "1", "2")


@pytest.mark.parametrize(("count", "folds"), [(2, FOLDS), (5, np.zeros(ROWS, int))])
def test_too_few_members_or_folds(count: int, folds: np.ndarray) -> None:
    members, truth = binary()
    assert find_best_combination(dict(list(members.items())[:count]), truth, folds, multiclass=False) is None


def test_a_choice_by_some_rows_is_scored_on_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trios, "MAX_CELLS", 200)
    members, truth = binary()
    found = find_best_combination(members, truth, FOLDS, multiclass=False)
    assert found is not None
    assert found.losses.shape == (ROWS,)
    assert set(found.names) == {"part-0", "part-1", "part-2"}


def test_the_labels_of_a_fold_do_not_reach_its_losses() -> None:
    """Of three equal members any weights are as good; what a fold is predicted by depends on the other folds alone."""
    members, truth = binary()
    three = {name: members[name] for name in ("part-0", "part-1", "part-2")}
    held_out = FOLDS == 0
    changed = np.where(held_out[:, None], 1 - truth, truth)
    before, after = (find_best_combination(three, one, FOLDS, multiclass=False) for one in (truth, changed))
    assert before is not None
    assert after is not None
    # The probability of the true class, before and after the labels were turned round, adds up to one.
    assert np.allclose(np.exp(-before.losses[held_out]) + np.exp(-after.losses[held_out]), 1, atol=1e-6)
