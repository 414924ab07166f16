"""Refusal of competitions that do not classify whole photos, judged by metric, columns or labels."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from ...errors import BadData, MissingHint

# Words in names of metrics, in lower case and separated by spaces.
_METRICS = {
    "a regression": (
        r"\w*rmsle|\w*rmse|mse|mae|mape|smape|r2|r 2|r squared|root mean|mean squared|mean absolute|squared error"
        r"|absolute error|absolute percentage error|coefficient of determination|pearson|spearman|pinball|quantile loss"
    ),
    "a ranking or a detection": (
        r"map|map\d+|m ap|mapk|mean average precision|global average precision|ndcg|dcg|precision at k"
        r"|object detection|objdetection\w*|bounding box(?:es)?|froc"
    ),
    "a segmentation": r"dice|miou|iou|io u|intersection over union|segmentation|hausdorff|panoptic quality",
    "a text": r"levenshtein|edit distance|bleu|character error rate|word error rate",
}
# Names of columns of masks and boxes, without case and punctuation.
_COLUMNS = {
    "a segmentation": ("encodedpixels", "rle", "rlemask", "maskrle", "segmentation", "rlencoded"),
    "a detection": ("bbox", "boundingbox", "boundingboxes", "boxes", "predictionstring"),
}
# Fewer photos may have a class each.
_MIN_PHOTOS = 10
# From this share of distinct labels on, nearly every photo has a label of its own.
_MIN_DIFFERENT_SHARE = 0.9

METRIC_HINT = "if each photo has a class, name the metric with --metric NAME"


def refuse_metric(metric: str) -> None:
    """Refuse a metric, named as on Kaggle, that does not score classes of whole photos."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", metric)
    spellings = [re.sub(r"[^a-z0-9]+", " ", text.lower()).strip() for text in (metric, spaced)]
    for what, words in _METRICS.items():
        if any(re.search(rf"\b(?:{words})\b", text) for text in spellings):
            raise BadData(
                f"The metric {metric!r} is for {what}, and only classifications of whole photos are supported: "
                f"{METRIC_HINT}."
            )


def refuse_columns(columns: Iterable[str], source: Path) -> None:
    """Refuse columns of masks or boxes."""
    for column in columns:
        for what, names in _COLUMNS.items():
            if re.sub(r"[\W_]", "", column.lower()) in names:
                raise BadData(
                    f"The column {column!r} of {source} is for {what}: only classifications of whole photos are "
                    "supported."
                )


def refuse_measurements(labels: pd.Series, source: Path, column: str) -> None:
    """Refuse labels that are fractional numbers, or different for nearly every photo."""
    given = labels[labels != ""]
    numbers = pd.to_numeric(given, errors="coerce")
    if len(given) and numbers.notna().all() and (numbers % 1 != 0).any():
        first = given[numbers % 1 != 0].iloc[0]
        raise BadData(
            f"The column {column!r} of {source} contains fractional numbers such as {first}, so it is for a "
            f"regression: name another column with --label-column COLUMN; {METRIC_HINT}."
        )
    if len(given) >= _MIN_PHOTOS and given.nunique() >= _MIN_DIFFERENT_SHARE * len(given):
        raise MissingHint(
            f"The column {column!r} of {source} contains {given.nunique()} different labels for {len(given)} photos: "
            f"name another column with --label-column COLUMN; {METRIC_HINT}."
        )
