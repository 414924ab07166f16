"""Refuses competitions that do not ask for classes of whole photos, by metric, columns or labels."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from ...errors import BadData, MissingHint

# Words of metrics, each as it stands in lower case between blanks.
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
# Fewer photos may well have a class each.
_MIN_PHOTOS = 10
# Share of distinct labels from which on nearly every photo has its own.
_MIN_DIFFERENT_SHARE = 0.9
METRIC_HINT = "if a class a photo is asked for all the same, say what judges it with --metric NAME"


def refuse_metric(metric: str) -> None:
    """Make sure that a metric, as Kaggle calls it, may judge classes of whole photos."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", metric)
    spellings = [re.sub(r"[^a-z0-9]+", " ", text.lower()).strip() for text in (metric, spaced)]
    for what, words in _METRICS.items():
        if any(re.search(rf"\b(?:{words})\b", text) for text in spellings):
            raise BadData(
                f"The competition is judged by {metric!r}, which is for {what} and no classification of whole photos, "
                f"so it cannot be answered; {METRIC_HINT}."
            )


def refuse_columns(columns: Iterable[str], source: Path) -> None:
    """Make sure that columns are not those of masks or boxes."""
    for column in columns:
        for what, names in _COLUMNS.items():
            if re.sub(r"[\W_]", "", column.lower()) in names:
                raise BadData(
                    f"{source} has the column {column!r}, as {what} has: only classifications of whole photos can be "
                    "answered."
                )


def refuse_measurements(labels: pd.Series, source: Path, column: str) -> None:
    """Make sure that labels are neither fractional numbers nor different for nearly every photo."""
    given = labels[labels != ""]
    numbers = pd.to_numeric(given, errors="coerce")
    if len(given) and numbers.notna().all() and (numbers % 1 != 0).any():
        first = given[numbers % 1 != 0].iloc[0]
        raise BadData(
            f"The column {column!r} of {source} holds fractional numbers like {first}, as regressions have and "
            f"classifications have not: name another with --label-column COLUMN; {METRIC_HINT}."
        )
    if len(given) >= _MIN_PHOTOS and given.nunique() >= _MIN_DIFFERENT_SHARE * len(given):
        raise MissingHint(
            f"Is {column!r} of {source} the label, although {given.nunique()} of {len(given)} photos have another one? "
            f"Name another with --label-column COLUMN; {METRIC_HINT}."
        )
