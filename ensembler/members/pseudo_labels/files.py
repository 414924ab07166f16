"""Pseudo-labels: confident predictions of other networks, used as labels of photos to predict."""

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
    """Pseudo-labelled photos of one fold.

    Attributes
    ----------
    rows
        Row numbers among the readable test photos, shape (photos,).
    targets
        Targets of 0 and 1, shape (photos, outputs).
    """

    rows: NDArray[np.int64]
    targets: NDArray[np.float32]


def are_confident(probabilities: NDArray[np.float32], confidence: float, *, multiclass: bool) -> NDArray[np.bool_]:
    """Return a mask of the photos whose predicted label is confident enough.

    Parameters
    ----------
    probabilities
        Predicted probabilities, shape (photos, outputs).
    multiclass
        If True, the probability of the likeliest class must reach ``confidence``. If False, each output must be present
        or absent with that probability.
    """
    if multiclass:
        return np.asarray(probabilities.max(axis=1) >= confidence)
    return np.asarray(np.maximum(probabilities, 1 - probabilities).min(axis=1) >= confidence)


def format_labels(probabilities: NDArray[np.float32], manifest: Manifest) -> list[str]:
    """Return the likeliest label of each photo in the format of ``train.csv``.

    Hard labels follow Lee (Pseudo-Label, ICML workshop on challenges in representation learning, 2013). Above a high
    confidence, soft labels differ little from them.
    """
    if manifest.task == "multilabel":
        present = probabilities > 0.5
        return [SEPARATOR.join(np.array(manifest.outputs, dtype=str)[row]) for row in present]
    if manifest.task == "binary":
        return [manifest.classes[int(probability > 0.5)] for probability in probabilities[:, 0]]
    return [manifest.classes[place] for place in probabilities.argmax(axis=1)]


def save_pseudo_labels(path: Path, ids: NDArray[np.str_], labels: list[str]) -> None:
    """Write the labels of one fold as a table with the columns id and label."""
    write_table(path, pd.DataFrame({"id": ids, "label": labels}, dtype=str))


def load_pseudo_labels(folder: CompetitionFolder, member: str, fold: int, tables: Tables) -> PseudoLabelled:
    """Read the pseudo-labelled photos of a fold.

    Raises
    ------
    BadData
        If the file is missing or damaged.
    Mismatch
        If the file contains photos that are not among the readable photos to predict.
    """
    path = folder.fold(member, fold) / PSEUDO_LABELS_FILE
    table = read_table(path)
    readable = pd.Index(tables.test.loc[tables.readable_test, "id"])
    rows = readable.get_indexer(pd.Index(table["id"]))
    if (rows < 0).any():
        raise Mismatch(f"{path} contains photos that are not to be predicted: train {member} again with --restart.")
    return PseudoLabelled(rows.astype(np.int64), encode_labels(table["label"], tables.manifest))
