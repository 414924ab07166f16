"""Pseudo-labels: photos to predict that a network learns from, by labels that other networks were sure of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...competition.csv_tables import read_table, write_table
from ...competition.manifest import SEPARATOR, Manifest
from ...competition.tables import Tables, encode_labels
from ...errors import Mismatch
from ...options.pseudo_labels import PSEUDO_LABELS_FILE
from ...paths import CompetitionFolder


@dataclass(frozen=True)
class PseudoLabelled:
    """Photos to predict that one fold learns from.

    Attributes
    ----------
    rows
        Their places among the readable test photos, shape (photos,).
    targets
        0 and 1, shape (photos, outputs).
    """

    rows: NDArray[np.int64]
    targets: NDArray[np.float32]


def are_confident(probabilities: NDArray[np.float32], confidence: float, *, multiclass: bool) -> NDArray[np.bool_]:
    """Whether each photo's label is sure enough.

    Parameters
    ----------
    probabilities
        Shape (photos, outputs).
    multiclass
        One class a photo, whose probability must reach ``confidence``; else each output must be so sure to be present,
        or to be absent.
    """
    if multiclass:
        return np.asarray(probabilities.max(axis=1) >= confidence)
    return np.asarray(np.maximum(probabilities, 1 - probabilities).min(axis=1) >= confidence)


def format_labels(probabilities: NDArray[np.float32], manifest: Manifest) -> list[str]:
    """Write the likeliest label of each photo as ``train.csv`` has labels.

    Hard labels are what Lee proposed (Pseudo-Label, ICML workshop on challenges in representation learning, 2013);
    above a high confidence, those that are predicted differ little from them.
    """
    if manifest.task == "multilabel":
        present = probabilities > 0.5
        return [SEPARATOR.join(np.array(manifest.outputs, dtype=str)[row]) for row in present]
    if manifest.task == "binary":
        return [manifest.classes[int(probability > 0.5)] for probability in probabilities[:, 0]]
    return [manifest.classes[place] for place in probabilities.argmax(axis=1)]


def save_pseudo_labels(path: Path, ids: NDArray[np.str_], labels: list[str]) -> None:
    """Write the labels of one fold: id, label."""
    write_table(path, pd.DataFrame({"id": ids, "label": labels}, dtype=str))


def load_pseudo_labels(folder: CompetitionFolder, member: str, fold: int, tables: Tables) -> PseudoLabelled:
    """Read what a fold learns from beside its training photos.

    Raises
    ------
    BadData
        If there is no such file, or it is damaged.
    Mismatch
        If it has photos that are not among the readable ones to predict.
    """
    path = folder.fold(member, fold) / PSEUDO_LABELS_FILE
    table = read_table(path)
    readable = pd.Index(tables.test.loc[tables.readable_test, "id"])
    rows = readable.get_indexer(pd.Index(table["id"]))
    if (rows < 0).any():
        raise Mismatch(f"{path} has photos that are not to be predicted: train {member} anew with --restart.")
    return PseudoLabelled(rows.astype(np.int64), encode_labels(table["label"], tables.manifest))
