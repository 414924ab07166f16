from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from helpers.answers_made import BINARY, MULTICLASS, TAGS
from scipy.stats import norm
from sklearn.metrics import cohen_kappa_score, f1_score

from ensembler.competition.metrics import decisions
from ensembler.competition.metrics.decisions import (
    choose_kappa_classes,
    choose_labels,
    choose_macro_f1_classes,
    choose_sample_f_tags,
    parse_class_levels,
)
from ensembler.competition.metrics.metrics import METRICS


def expected_f(probabilities, chosen, beta):
    """By looking at every set of tags that could be true."""
    total = 0.0
    for truth in product([0, 1], repeat=len(probabilities)):
        there = np.array(truth)
        likelihood = np.prod(np.where(there, probabilities, 1 - probabilities))
        total += likelihood * (1 + beta**2) * (there & chosen).sum() / (beta**2 * there.sum() + chosen.sum())
    return total


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_the_tags_are_the_best_of_all_sets(beta):
    random = np.random.default_rng(3)
    probabilities = random.beta(0.6, 1.2, (25, 5))
    decided = choose_sample_f_tags(probabilities, beta)
    sets = [np.array(chosen) for chosen in product([0, 1], repeat=5) if any(chosen)]
    for row, chosen in zip(probabilities, decided, strict=True):
        best = max(expected_f(row, candidate, beta) for candidate in sets)
        assert expected_f(row, chosen.astype(int), beta) == pytest.approx(best, abs=1e-12)
    assert (decided != (probabilities > 0.5)).any()


def test_there_is_always_a_tag_and_what_is_certain_is_chosen():
    probabilities = np.array([[0.0, 0.0, 0.0], [0.1, 0.6, 0.0], [1.0, 0.0, 1.0]])
    assert choose_sample_f_tags(probabilities, 2.0).tolist() == [
        [True, False, False],
        [False, True, False],
        [True, False, True],
    ]


def test_more_rows_and_tags_than_are_looked_at_at_once(monkeypatch):
    probabilities = np.random.default_rng(0).beta(0.1, 3, (50, 60))
    whole = choose_sample_f_tags(probabilities, 1.0)
    monkeypatch.setattr(decisions, "_CHUNK_ROWS", 7)
    assert (choose_sample_f_tags(probabilities, 1.0) == whole).all()
    monkeypatch.setattr(decisions, "MAX_TAGS", 60)
    assert (choose_sample_f_tags(probabilities, 1.0) == whole).mean() > 0.999


def ordered_levels(seed, rows=1500, classes=5):
    """Calibrated probabilities of a level that is seen with as much noise as it varies itself, and the truth."""
    random = np.random.default_rng(seed)
    level = random.normal(size=rows)
    edges = np.sort(random.normal(size=classes - 1))
    seen = level + random.normal(size=rows)
    below = norm.cdf((edges - seen[:, None] / 2) / np.sqrt(0.5))
    return np.diff(below, axis=1, prepend=0, append=1), np.searchsorted(edges, level)


def test_kappa_is_the_largest_that_the_probabilities_expect():
    levels = np.array([0.0, 1.0, 2.0])
    random = np.random.default_rng(5)
    differing = 0
    for _ in range(15):
        probabilities = random.dirichlet([0.6, 0.6, 0.6], 5)

        def expected(chosen, probabilities=probabilities):
            apart = (levels[:, None] - levels) ** 2
            distance = sum(probabilities[row] @ apart[:, at] for row, at in enumerate(chosen))
            chance = np.mean([probabilities[row] @ apart[:, at] for row in range(5) for at in chosen]) * 5
            return 1 - distance / chance

        best = max(product(range(3), repeat=5), key=lambda chosen: expected(chosen) if len(set(chosen)) > 1 else 0)
        assert expected(choose_kappa_classes(probabilities, levels)) == pytest.approx(expected(best))
        differing += not np.array_equal(best, np.rint(probabilities @ levels))
    assert differing > 5


@pytest.mark.parametrize("seed", range(5))
def test_kappa_gains_over_the_nearest_and_the_most_probable_level(seed):
    probabilities, truth = ordered_levels(seed)
    levels = np.arange(5.0)
    own, nearest, argmax = (
        cohen_kappa_score(truth, chosen, weights="quadratic", labels=range(5))
        for chosen in (
            choose_kappa_classes(probabilities, levels),
            np.rint(probabilities @ levels),
            probabilities.argmax(axis=1),
        )
    )
    assert own > max(nearest, argmax) + 0.01


def test_levels_are_the_classes_numbers_in_any_order():
    assert parse_class_levels(("0", "1", "10")).tolist() == [0, 1, 10]
    assert parse_class_levels(("mild", "none")).tolist() == [0, 1]
    assert parse_class_levels(("1", "nan")).tolist() == [0, 1]
    assert choose_kappa_classes(np.eye(3), np.array([10.0, 0.0, 1.0])).tolist() == [0, 1, 2]


@pytest.mark.parametrize("probabilities", [[[1.0, 0.0]], [[0.5, 0.5]] * 3, [[0.0, 1.0]] * 4, [[0.0, 1.0], [1.0, 0.0]]])
def test_kappa_of_rows_that_are_alike_or_certain(probabilities):
    given = np.array(probabilities)
    chosen = choose_kappa_classes(given, np.array([0.0, 1.0]))
    assert (given[np.arange(len(given)), chosen] >= 0.5).all()


def test_macro_f1_gains_over_the_most_probable_class():
    own, argmax = [], []
    for seed in range(8):
        random = np.random.default_rng(seed)
        scores = 2 * random.normal(size=(3000, 8)) + np.log(random.dirichlet(np.full(8, 0.7)) + 1e-3)
        probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        truth = (probabilities.cumsum(axis=1) > random.random((3000, 1))).argmax(axis=1)
        own.append(f1_score(truth, choose_macro_f1_classes(probabilities), average="macro", zero_division=0))
        argmax.append(f1_score(truth, probabilities.argmax(axis=1), average="macro", zero_division=0))
    assert np.mean(own) > np.mean(argmax) + 0.005


def test_certain_classes_are_kept():
    assert choose_macro_f1_classes(np.eye(4)[[0, 1, 1, 3]]).tolist() == [0, 1, 1, 3]


def test_f1_of_a_column_is_the_largest_that_the_probabilities_expect():
    probabilities = np.random.default_rng(2).beta(0.5, 2, (12, 1))
    chosen = choose_labels(METRICS["f1"], probabilities, BINARY)[:, 0]
    sums = [
        2 * probabilities[list(subset), 0].sum() / (sum(subset) + probabilities.sum())
        for subset in map(np.array, product([False, True], repeat=12))
    ]
    assert 2 * probabilities[chosen, 0].sum() / (chosen.sum() + probabilities.sum()) == pytest.approx(max(sums))
    assert (chosen != (probabilities[:, 0] > 0.5)).any()


@pytest.mark.parametrize("name", ["accuracy", "micro f1", "macro f1", "quadratic weighted kappa"])
@pytest.mark.parametrize("manifest", [BINARY, MULTICLASS], ids=["binary", "multiclass"])
def test_one_class_a_photo(name, manifest):
    certain = np.eye(3)[[2, 0, 1, 1]] if manifest is MULTICLASS else np.array([[0.9], [0.2], [0.1], [0.8]])
    decided = choose_labels(METRICS[name], certain.astype(np.float32), manifest)
    assert decided.tolist() == (certain > 0.5).tolist()


@pytest.mark.parametrize("name", ["accuracy", "micro f1", "macro f1", "sample f1", "sample f2"])
def test_at_least_one_tag_a_photo(name):
    probabilities = np.random.default_rng(0).beta(0.3, 3, (40, 3))
    decided = choose_labels(METRICS[name], probabilities, TAGS)
    assert decided.shape == (40, 3)
    assert decided.any(axis=1).all()


def test_a_rare_tag_is_chosen_below_one_half_where_each_class_counts_alike():
    probabilities = np.column_stack([np.full(100, 0.9), np.r_[np.full(10, 0.4), np.full(90, 0.01)], np.full(100, 0.8)])
    assert choose_labels(METRICS["macro f1"], probabilities, TAGS)[:10, 1].all()
    assert not choose_labels(METRICS["accuracy"], probabilities, TAGS)[:, 1].any()


def test_levels_come_from_the_manifest():
    ages = replace(MULTICLASS, classes=("0", "1", "100"))
    near_hundred = np.array([[0.3, 0.1, 0.6], [0.9, 0.1, 0.0], [0.0, 0.0, 1.0]])
    assert choose_labels(METRICS["quadratic weighted kappa"], near_hundred, ages).argmax(axis=1)[0] == 2
