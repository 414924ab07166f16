"""Predictions of labelled photos, made up here."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ensembler.competition.manifest import AnswerLayout, Manifest, TestLayout, TrainLayout
from ensembler.reports.outcomes import Outcomes


def outcomes(task: str, classes: tuple[str, ...], metric: str = "log loss", rows: int = 300) -> Outcomes:
    """Rows of random classes, with predictions that are better than chance."""
    random = np.random.default_rng(0)
    codes = random.integers(0, len(classes), rows)
    outputs = classes[-1:] if task == "binary" else classes
    odds = random.normal(0, 1.5, (rows, len(outputs)))
    if task == "multiclass":
        odds[np.arange(rows), codes] += 1
        probabilities = np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True)
    else:
        probabilities = 1 / (1 + np.exp(-odds - (codes[:, None] == len(classes) - 1)))
    manifest = Manifest(
        "made",
        "",
        task,
        classes,
        "photos",
        TrainLayout("train", "folders"),
        TestLayout("test"),  # type: ignore[arg-type]
        AnswerLayout("s.csv", "id", outputs, "probabilities"),
        metric,
    )
    labels = pd.Series(np.array(classes, dtype=object)[codes])
    every = np.arange(rows)
    return Outcomes(manifest, labels, every, probabilities.astype(np.float32), every[:0], probabilities[:0])
