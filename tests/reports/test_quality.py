"""Errors by class and by pair, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.outcomes_made import outcomes
from sklearn.metrics import auc, confusion_matrix, log_loss, precision_recall_fscore_support, roc_auc_score

from ensembler.progress import SILENT
from ensembler.reports.curves import compute_curve, thin_curve
from ensembler.reports.quality import LISTED_PAIRS, describe_quality, measure_rows


@pytest.mark.parametrize("classes", [("a", "b"), ("a", "b", "c", "d")])
def test_scores_are_those_of_scikit_learn(classes: tuple[str, ...]) -> None:
    found = outcomes("binary" if len(classes) == 2 else "multiclass", classes)
    results = measure_rows(found, SILENT)
    quality = describe_quality(found, results, None, None, None)
    full = np.hstack([1 - found.probabilities, found.probabilities]) if len(classes) == 2 else found.probabilities
    chosen = full.argmax(axis=1)
    precision, recall, f1, photos = precision_recall_fscore_support(found.codes, chosen, zero_division=0)
    assert [one.photos for one in quality.classes] == photos.tolist()
    for name, wanted in (("precision", precision), ("recall", recall), ("f1", f1)):
        np.testing.assert_allclose([getattr(one, name) for one in quality.classes], wanted, atol=1e-6)
    np.testing.assert_array_equal(quality.confusion, confusion_matrix(found.codes, chosen))
    assert results.losses.mean() == pytest.approx(log_loss(found.codes, full), rel=1e-5)
    assert quality.errors == int((chosen != found.codes).sum()) == sum(pair.count for pair in quality.pairs)
    assert [pair.count for pair in quality.pairs] == sorted((pair.count for pair in quality.pairs), reverse=True)


def test_many_classes_have_pairs_and_no_matrix() -> None:
    found = outcomes("multiclass", tuple(f"class {one}" for one in range(50)), rows=2000)
    quality = describe_quality(found, measure_rows(found, SILENT), None, None, None)
    assert quality.confusion == ()
    assert len(quality.pairs) == LISTED_PAIRS < quality.pairs_total
    first = quality.pairs[0]
    mistaken = next(one for one in quality.classes if one.name == first.true)
    assert mistaken.mistaken_for == first.predicted


def test_labels_that_are_unknown_do_not_count_as_classes() -> None:
    found = outcomes("multiclass", ("a", "b", "c"))
    found.labels.iloc[:5] = "unheard of"
    results = measure_rows(found, SILENT)
    assert results.true.sum() == len(found.rows) - 5
    assert describe_quality(found, results, None, None, None).errors >= 5


def test_curves_are_there_where_the_metric_is_one() -> None:
    found = outcomes("binary", ("a", "b"), "roc auc", rows=5000)
    quality = describe_quality(found, measure_rows(found, SILENT), None, None, None)
    (curve,) = quality.curves
    assert curve.auc == pytest.approx(roc_auc_score(found.codes, found.probabilities[:, 0]), abs=1e-6)
    assert len(curve.false_positive_rate) <= 202
    assert auc(curve.false_positive_rate, curve.true_positive_rate) == pytest.approx(curve.auc, abs=2e-3)
    plain = outcomes("binary", ("a", "b"))
    assert describe_quality(plain, measure_rows(plain, SILENT), None, None, None).curves == ()


def test_a_class_without_rows_has_no_curve() -> None:
    assert compute_curve("a", np.zeros(5), np.linspace(0, 1, 5)) is None


def test_a_thinned_curve_keeps_its_ends() -> None:
    x = np.linspace(0, 1, 10_000)
    thin_x, thin_y = thin_curve(x, x**2, 50)
    assert (thin_x[0], thin_x[-1], thin_y[0], thin_y[-1]) == (0, 1, 0, 1)
    assert len(thin_x) <= 52
