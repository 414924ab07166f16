from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers.answers_made import BINARY, MULTICLASS, MULTILABEL

from ensembler.competition.metrics.metrics import METRICS, log_loss
from ensembler.competition.metrics.scoring import (
    compute_out_of_fold_scores,
    compute_scores,
    evaluate_labels,
    evaluate_with_error,
)
from ensembler.competition.tables import Tables
from ensembler.errors import BadChoice

TARGETS = np.array([[1.0], [0.0], [1.0], [0.0], [1.0], [0.0]])
PROBABILITIES = np.array([[0.9], [0.2], [0.4], [0.3], [0.8], [0.1]])


def test_all_figures_by_another_metric_than_log_loss():
    figures = compute_scores(TARGETS, PROBABILITIES, replace(BINARY, metric="roc auc"))
    assert figures.metric == "roc auc"
    assert figures.score == 1
    assert figures.standard_error == 0
    assert figures.log_loss == pytest.approx(log_loss(TARGETS, PROBABILITIES, multiclass=False))
    assert figures.log_loss_error > 0
    assert figures.accuracy == pytest.approx(5 / 6)


@pytest.mark.parametrize(
    ("manifest", "name"),
    [(BINARY, "log loss"), (MULTICLASS, "log loss"), (MULTILABEL, "mean column-wise log loss")],
)
def test_by_log_loss_score_and_log_loss_are_one(manifest, name):
    targets = TARGETS if manifest is BINARY else np.eye(3)[[0, 1, 2]]
    probabilities = PROBABILITIES if manifest is BINARY else np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [0, 0.1, 0.9]])
    figures = compute_scores(targets, probabilities, manifest)
    assert figures.metric == name
    assert (figures.score, figures.standard_error) == (figures.log_loss, figures.log_loss_error)


def test_rows_that_were_never_held_out_are_not_judged(tmp_path):
    train = pd.DataFrame({"id": list("123456"), "path": "", "label": ["dog", "cat"] * 3, "group": ""})
    scored = np.array([True, True, False, True, False, False])
    figures = compute_out_of_fold_scores(Tables(BINARY, tmp_path, train, train), PROBABILITIES[scored], scored)
    assert figures.score == pytest.approx(log_loss(TARGETS[scored], PROBABILITIES[scored], multiclass=False))


def test_the_tables_groups_are_heeded(tmp_path):
    train = pd.DataFrame({"id": list("123456"), "path": "", "label": ["dog", "cat"] * 3, "group": ""})
    grouped = train.assign(group=["g", "g", "g", "", "", ""])
    alone, together = (
        compute_out_of_fold_scores(Tables(BINARY, tmp_path, table, train), PROBABILITIES, np.ones(6, dtype=bool))
        for table in (train, grouped)
    )
    assert alone.score == together.score == pytest.approx(log_loss(TARGETS, PROBABILITIES, multiclass=False))
    assert alone.standard_error != together.standard_error
    assert alone.standard_error == pytest.approx(
        evaluate_with_error(METRICS["log loss"], TARGETS, PROBABILITIES, BINARY).standard_error
    )


def test_what_was_decided_can_be_scored_itself():
    decided = np.array([[True], [False], [True], [True], [True], [False]])
    estimate = evaluate_labels(METRICS["accuracy"], TARGETS, decided, BINARY)
    assert estimate.score == pytest.approx(5 / 6)
    assert estimate.standard_error == pytest.approx(np.std([1, 1, 1, 0, 1, 1], ddof=1) / np.sqrt(6))


def test_an_unknown_metric_is_refused():
    with pytest.raises(BadChoice, match="no metric named"):
        compute_scores(TARGETS, PROBABILITIES, replace(BINARY, metric="MAP@{K}"))
