from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from ensembler.competition.layout.not_classification import refuse_columns, refuse_measurements, refuse_metric
from ensembler.competition.metrics.metrics import METRICS
from ensembler.errors import BadData, MissingHint


@pytest.mark.parametrize(
    ("metric", "what"),
    [
        ("Root Mean Squared Error", "a regression"),
        ("RootMeanSquaredError", "a regression"),
        ("MCRMSE", "a regression"),
        ("RMSE", "a regression"),
        ("Mean Absolute Error", "a regression"),
        ("MAE", "a regression"),
        ("R2 Score", "a regression"),
        ("R-Squared", "a regression"),
        ("R^2", "a regression"),
        ("MAP@{K}", "a ranking or a detection"),
        ("MAP@5", "a ranking or a detection"),
        ("mAP", "a ranking or a detection"),
        ("Mean Average Precision @ 5", "a ranking or a detection"),
        ("Object Detection mAP", "a ranking or a detection"),
        ("Dice", "a segmentation"),
        ("DiceCoefficient", "a segmentation"),
        ("Mean IoU", "a segmentation"),
        ("Intersection Over Union Object Segmentation", "a segmentation"),
        ("Levenshtein Mean", "a text"),
    ],
)
def test_metrics_of_other_tasks(metric, what):
    with pytest.raises(BadData, match=" is for ") as caught:
        refuse_metric(metric)
    assert f"for {what}" in str(caught.value)
    assert repr(metric) in str(caught.value)


@pytest.mark.parametrize(
    "metric",
    [
        *METRICS,
        *(
            "",
            "Categorization Error",
            "Multi-class Log Loss",
            "MeanColumnwiseROCAUC",
            "F_{Beta} Score",
            "Custom Metric",
        ),
        *("Average Precision Score", "Balanced Accuracy", "Probabilistic F-Score (pF1)", "Weighted Multiclass Loss"),
    ],
)
def test_metrics_of_classification_and_unknown_ones(metric):
    refuse_metric(metric)


@pytest.mark.parametrize(
    ("column", "what"),
    [
        ("EncodedPixels", "segmentation"),
        ("rle_mask", "segmentation"),
        ("bbox", "detection"),
        ("PredictionString", "detection"),
    ],
)
def test_columns_of_other_tasks(column, what):
    with pytest.raises(BadData, match=rf"The column '{column}' of s\.csv is for a {what}"):
        refuse_columns(("label", column), Path("s.csv"))


def test_columns_of_classification():
    refuse_columns(("label", "box", "masked", "prediction"), Path("s.csv"))


@pytest.mark.parametrize("labels", [["20.0", "21.5", "20.0"], ["0", "0.5", "1", ""]])
def test_fractional_numbers(labels):
    with pytest.raises(
        BadData, match=r"'age' of t\.csv contains fractional numbers such as (21|0)\.5.*Hints\(metric='NAME'\)"
    ):
        refuse_measurements(pd.Series(labels), Path("t.csv"), "age")


@pytest.mark.parametrize("labels", [[f"C{row}" for row in range(10)], [*map(str, range(18)), "1", "2"]])
def test_labels_that_are_nearly_all_different(labels):
    with pytest.raises(MissingHint, match=r"'name' of t\.csv contains 1\d different labels for \d+ photos"):
        refuse_measurements(pd.Series(labels), Path("t.csv"), "name")


@pytest.mark.parametrize(
    "labels", [["1.0", "0.0", "2"], ["a", "1.5"], [f"C{row}" for row in range(9)], [*map(str, range(17)), *"123"], []]
)
def test_classes(labels):
    refuse_measurements(pd.Series(labels, dtype=str), Path("t.csv"), "name")
