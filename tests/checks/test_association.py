from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ensembler.checks.association import (
    LEVEL,
    Property,
    Targets,
    bin_numbers,
    build_classifier,
    deal_folds,
    describe_strongest,
    measure_clue,
    measure_properties,
    name_categories,
    predict_out_of_fold,
)
from ensembler.checks.result import Clue


def make_targets(truth: np.ndarray, seed: int = 0, units: np.ndarray | None = None) -> Targets:
    """Targets of one class, whose folds keep units together."""
    units = np.arange(len(truth)) if units is None else units
    folds = np.random.default_rng(seed).integers(5, size=units.max() + 1)[units]
    return Targets(["dog"], truth[:, None].astype(bool), folds, units)


def measure_scores(name: str, scores: np.ndarray, truth: np.ndarray) -> Clue:
    """The clue of scores that nothing is learned for."""
    return measure_clue(name, lambda held_out: scores[held_out][:, None], make_targets(truth), 1)[0]


def list_noise(random: np.random.Generator, count: int) -> list[Property]:
    """Properties that tell nothing: continuous and rounded numbers, two values, and categories."""
    return [
        Property("number", bin_numbers(random.normal(size=count))),
        Property("rounded", bin_numbers(random.normal(size=count).round())),
        Property("two values", bin_numbers(random.integers(2, size=count).astype(float))),
        Property("category", name_categories(random.integers(12, size=count).astype(str))),
    ]


@pytest.mark.parametrize("count", [60, 600])
def test_shuffled_labels_are_told_by_nothing(count: int) -> None:
    """The probability of a false alarm is that of one look or less, so a p-value below 0.05 is as rare as it says."""
    p_values = []
    for seed in range(60):
        random = np.random.default_rng(seed)
        targets = make_targets(random.permutation(count) < count // 3, seed)
        clues = measure_properties(list_noise(random, count), targets)
        assert not any(clue.is_reported for clue in clues)
        p_values += [clue.p_value for clue in clues]
    # Bonferroni's correction multiplies by the four looks.
    assert np.mean(np.array(p_values) <= 4 * 0.05) <= 0.07
    assert min(p_values) > LEVEL / 60


def test_shuffled_groups_are_told_by_nothing() -> None:
    """All photos of a group have the same label and the same property, which tells only the group."""
    reported, below = 0, 0
    for seed in range(30):
        random = np.random.default_rng(seed)
        units = np.repeat(np.arange(20), 20)
        targets = make_targets(random.permutation(20)[units] < 10, seed, units)
        [clue] = measure_properties([Property("camera", bin_numbers(random.normal(size=20)[units]))], targets)
        reported += clue.is_reported
        below += clue.p_value <= 0.05
    assert reported == 0
    assert below <= 4


def test_the_interval_covers_the_true_area() -> None:
    """Two normal distributions that differ by one standard deviation have an AUC of 0.760."""
    inside = []
    for seed in range(60):
        random = np.random.default_rng(seed)
        truth = np.arange(400) % 2 == 0
        scores = random.normal(size=400) + truth
        clue = measure_scores("score", scores, truth)
        inside.append(clue.low <= 0.7602 <= clue.high)
        assert clue.is_reported == (clue.area >= 0.7)
    assert 0.88 <= np.mean(inside) <= 1


def test_a_clue_is_found_in_numbers_and_in_categories() -> None:
    random = np.random.default_rng(0)
    truth = np.arange(300) % 3 == 0
    # Only the middle of the numbers has the class, which no straight line tells.
    numbers = np.where(truth, random.normal(0, 0.3, 300), random.choice([-2, 2], 300) + random.normal(0, 0.3, 300))
    names = np.where(truth, "canon", random.choice(["nikon", "leica", "canon"], 300))
    targets = make_targets(truth)
    clues = measure_properties(
        [*list_noise(random, 300), Property("place", bin_numbers(numbers)), Property("camera", name_categories(names))],
        targets,
    )
    assert [clue.name for clue in clues[:2]] == ["place", "camera"]
    assert [clue.is_reported for clue in clues] == [True, True, False, False, False, False]
    assert clues[0].area > 0.98
    assert clues[1].target == "dog"


def test_held_out_photos_are_not_learned_from() -> None:
    """A property that names each photo tells nothing about others."""
    truth = np.arange(50) % 2 == 0
    single = name_categories([str(number) for number in range(50)])
    assert single.shape[1] == 1
    targets = make_targets(truth)
    learned = predict_out_of_fold(build_classifier(bin_numbers(truth.astype(float)), targets), targets)[:, 0]
    flipped = truth.copy()
    flipped[targets.folds == 0] = ~truth[targets.folds == 0]
    other = Targets(targets.names, flipped[:, None], targets.folds, targets.units)
    relearned = predict_out_of_fold(build_classifier(bin_numbers(truth.astype(float)), other), other)[:, 0]
    assert np.array_equal(learned[targets.folds == 0], relearned[targets.folds == 0])
    assert not np.array_equal(learned, relearned)


@pytest.mark.parametrize(
    ("values", "bins"),
    [
        ([1.0] * 50, 1),
        ([1.0] * 30 + [2.0] * 30, 2),
        ([np.nan] * 20 + [3.0] * 30, 2),
        (list(np.arange(100.0)), 5),
        ([np.nan] * 10, 1),
    ],
)
def test_numbers_become_bins(values: list[float], bins: int) -> None:
    indicators = bin_numbers(np.array(values))
    assert indicators.shape == (len(values), bins)
    assert (indicators.sum(axis=1) == 1).all()


def test_an_area_without_an_error_has_a_bound() -> None:
    truth = np.arange(60) < 30
    clue = measure_scores("sure", truth.astype(float), truth)
    assert (clue.area, clue.low, clue.high) == (1.0, 0.9, 1.0)
    assert describe_strongest([clue]) == ""


def test_the_strongest_of_what_is_not_reported_is_told() -> None:
    truth = np.arange(60) < 30
    scores = np.where(truth, 1.0, 0.0)
    scores[:24] = 0
    clue = measure_scores("width", scores, truth)
    assert describe_strongest([clue]) == (
        "The strongest clue to 'dog' that is not reported is width with an AUC of 0.60 [0.53, 0.67], which is below "
        "0.7."
    )
    by_chance = replace(clue, area=0.75, p_value=0.2)
    assert describe_strongest([by_chance]).endswith("which may be chance (p = 0.20).")


def test_folds_keep_groups_together_and_have_each_class() -> None:
    units = np.concatenate([np.arange(40), np.repeat(40 + np.arange(10), 6)])
    labels = np.where(units % 4 == 0, "rare", "common").tolist()
    folds = deal_folds(labels, units, 5)
    assert all(len(set(folds[units == unit])) == 1 for unit in np.unique(units))
    rare = np.array(labels) == "rare"
    assert min(np.bincount(folds[rare & (units < 40)], minlength=5)) >= 1
    assert min(np.bincount(folds, minlength=5)) >= 12
    assert set(deal_folds(["a", "b"], np.arange(2), 2)) == {0, 1}
