"""The teacher's predictions for one fold of a student."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...competition.folds.folds import Folds
from ...competition.tables import Tables
from ...errors import Mismatch
from ...options.distillation import TEACHER_FILE
from ...paths import CompetitionFolder
from ...serialization import read_arrays, write_arrays


@dataclass(frozen=True)
class TeacherPredictions:
    """Probabilities of a fold's training photos and of photos to predict.

    Attributes
    ----------
    training
        Probabilities of all training photos, shape (photos, outputs). Rows of held-out photos are NaN.
    rows
        Row numbers among the readable test photos, shape (test photos,).
    test
        Probabilities of these test photos, shape (test photos, outputs).
    """

    training: NDArray[np.float32]
    rows: NDArray[np.int64]
    test: NDArray[np.float32]


def save_teacher_predictions(
    folder: CompetitionFolder, student: str, fold: int, predictions: TeacherPredictions, tables: Tables
) -> None:
    """Write the predictions with the ids of the photos."""
    known = np.isfinite(predictions.training[:, 0])
    test_ids = tables.test.loc[tables.readable_test, "id"].to_numpy(dtype=str)
    write_arrays(
        folder.fold(student, fold) / TEACHER_FILE,
        training_ids=tables.train["id"].to_numpy(dtype=str)[known],
        training=predictions.training[known],
        test_ids=test_ids[predictions.rows],
        test=predictions.test,
    )


def load_teacher_predictions(
    folder: CompetitionFolder, student: str, fold: int, tables: Tables, folds: Folds
) -> TeacherPredictions:
    """Read the predictions for one fold of a student.

    Raises
    ------
    BadData
        If the file is missing or damaged.
    Mismatch
        If it is not of exactly the fold's training photos.
    """
    path = folder.fold(student, fold) / TEACHER_FILE
    arrays = read_arrays(path)
    rows = _find_rows(arrays["training_ids"], tables.train["id"])
    test_rows = _find_rows(arrays["test_ids"], tables.test.loc[tables.readable_test, "id"])
    if not np.array_equal(np.sort(rows), np.flatnonzero(folds.mask_training(fold))) or (test_rows < 0).any():
        raise Mismatch(f"{path} is of other photos than the fold trains on: train {student} again with --restart.")
    training = np.full((len(tables.train), arrays["training"].shape[1]), np.nan, np.float32)
    training[rows] = arrays["training"]
    return TeacherPredictions(training, test_rows, arrays["test"])


def _find_rows(ids: NDArray[np.str_], wanted: pd.Series) -> NDArray[np.int64]:
    return np.asarray(pd.Index(wanted).get_indexer(pd.Index(ids)), np.int64)
