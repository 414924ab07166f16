from __future__ import annotations

import numpy as np
import pytest
from helpers.answers_made import BINARY, MULTICLASS, MULTILABEL

from ensembler.competition.metrics.metrics import METRICS
from ensembler.competition.metrics.scoring import evaluate_with_error
from ensembler.competition.metrics.standard_errors import InfluenceScore, assign_units

MANIFESTS = {"binary": BINARY, "multiclass": MULTICLASS, "multilabel": MULTILABEL}


def sampled(task, random, rows=300):
    """A sample of photos, with probabilities that are calibrated."""
    if task == "multiclass":
        probabilities = random.dirichlet([1.2, 0.8, 0.5], rows)
        return np.eye(3)[(probabilities.cumsum(axis=1) > random.random((rows, 1))).argmax(axis=1)], probabilities
    probabilities = random.beta(0.7, 1.4, (rows, 1 if task == "binary" else 3))
    return (random.random(probabilities.shape) < probabilities).astype(float), probabilities


@pytest.mark.parametrize(("name", "task"), [(name, METRICS[name].tasks[-1]) for name in METRICS])
def test_the_error_is_how_much_scores_of_other_samples_differ(name, task):
    random, metric, manifest = np.random.default_rng(1), METRICS[name], MANIFESTS[task]
    truth = np.std([evaluate_with_error(metric, *sampled(task, random), manifest).score for _ in range(300)], ddof=1)
    told = [evaluate_with_error(metric, *sampled(task, random), manifest).standard_error for _ in range(5)]
    assert np.mean(told) == pytest.approx(truth, rel=0.15)


@pytest.mark.parametrize(("name", "task"), [(name, METRICS[name].tasks[-1]) for name in METRICS])
def test_copies_of_one_photo_count_once_where_they_are_a_group(name, task):
    random, metric, manifest = np.random.default_rng(1), METRICS[name], MANIFESTS[task]
    targets, probabilities = sampled(task, random)
    groups = [str(row) for row in range(len(targets))] * 4
    alone = evaluate_with_error(metric, targets, probabilities, manifest)
    copied = np.tile(targets, (4, 1)), np.tile(probabilities, (4, 1))
    grouped = evaluate_with_error(metric, *copied, manifest, groups)
    fooled = evaluate_with_error(metric, *copied, manifest)
    assert grouped.score == pytest.approx(alone.score)
    assert grouped.standard_error == pytest.approx(alone.standard_error, rel=0.01)
    assert fooled.standard_error == pytest.approx(alone.standard_error / 2, rel=0.2)


def test_the_error_of_a_mean_is_the_textbooks():
    values = np.array([1.0, 2.0, 4.0, 9.0])
    expected = values.std(ddof=1) / 2
    assert InfluenceScore.from_row_values(values).compute_standard_error(np.arange(4)) == pytest.approx(expected)


def test_one_unit_alone_tells_nothing_of_the_error():
    assert np.isnan(InfluenceScore.from_row_values(np.ones(3)).compute_standard_error(np.zeros(3, dtype=int)))
    targets, probabilities = sampled("multiclass", np.random.default_rng(0))
    grouped = evaluate_with_error(METRICS["macro f1"], targets, probabilities, MULTICLASS, ["one"] * len(targets))
    assert np.isnan(grouped.standard_error)


def test_rows_without_a_group_are_on_their_own():
    assert assign_units(["", "a", "", "a", "row 0", "0"]).tolist() == [0, 1, 2, 1, 3, 4]
    assert assign_units([]).tolist() == []


def test_the_same_rows_give_the_same_error():
    targets, probabilities = sampled("multiclass", np.random.default_rng(0))
    errors = {
        evaluate_with_error(METRICS["quadratic weighted kappa"], targets, probabilities, MULTICLASS) for _ in range(2)
    }
    assert len(errors) == 1
