"""From probabilities to the CSV that Kaggle asks for."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..competition.csv_tables import read_table, write_table
from ..competition.manifest import Manifest
from ..competition.metrics import accuracy, log_loss
from ..competition.tables import Tables, encode_labels, prior
from ..errors import BadData, Mismatch
from .checks import check_csv

# Nine digits hold all that float32 knows.
_DIGITS = "%.9g"


def answer_table(tables: Tables, probabilities: NDArray[np.float32]) -> pd.DataFrame:
    """Make the submission's table: ids, columns and order of the sample; photos without pixels get the prior.

    Parameters
    ----------
    tables
        The competition's photos.
    probabilities
        For the readable test photos in the table's order, shape (photos, outputs).
    """
    manifest = tables.manifest
    every = np.tile(prior(tables.targets), (len(tables.test), 1))
    every[tables.readable_test] = probabilities.astype(np.float64)
    if manifest.sums_to_one:
        every /= every.sum(axis=1, keepdims=True)
    table = pd.DataFrame({manifest.answer.id_column: tables.test["id"]})
    if manifest.answer.kind == "probabilities":
        for column, values in zip(manifest.answer.columns, every.T, strict=True):
            table[column] = [_DIGITS % value for value in values]
    else:
        table[manifest.answer.columns[0]] = predicted_labels(manifest, every)
    return table


def predicted_labels(manifest: Manifest, probabilities: NDArray[np.float64]) -> list[str]:
    """Return the most probable class of each row, or its tags (over one half) joined by blanks."""
    classes = np.array(manifest.classes, dtype=object)
    if manifest.task == "binary":
        return [str(label) for label in classes[(probabilities[:, 0] > 0.5).astype(int)]]
    if manifest.task == "multiclass":
        return [str(label) for label in classes[probabilities.argmax(axis=1)]]
    return [" ".join(classes[row]) for row in probabilities > 0.5]


def write_answer(folder: Path, stack: str, tables: Tables, probabilities: NDArray[np.float32]) -> Path:
    """Write the submission as ``TIME-STACK.csv`` and check it against the sample.

    Raises
    ------
    BadData
        If the CSV is not what the sample asks for; it is not left behind then.
    """
    path = _unused(folder, f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{stack}")
    write_table(path, answer_table(tables, probabilities))
    try:
        check_answer(path, tables.manifest, tables.photos)
    except BadData:
        path.unlink()
        raise
    return path


def _unused(folder: Path, stem: str) -> Path:
    """Return a file name that is not taken, should two stacks be written within a second."""
    path, number = folder / f"{stem}.csv", 2
    while path.exists():
        path, number = folder / f"{stem}-{number}.csv", number + 1
    return path


def check_answer(csv: Path, manifest: Manifest, photos: Path) -> None:
    """Check a submission against the sample submission.

    Raises
    ------
    BadData
        With all that is wrong.
    """
    probabilities = manifest.answer.kind == "probabilities"
    check_csv(
        csv,
        photos / manifest.answer.sample,
        probabilities=probabilities,
        rows_sum_to_one=probabilities and manifest.sums_to_one,
    )


def score_answer(csv: Path, solution: Path, manifest: Manifest) -> dict[str, float]:
    """Score a submission of probabilities against hidden labels, joined by id.

    Returns
    -------
    dict
        ``log_loss`` and ``accuracy``.

    Raises
    ------
    Mismatch
        If the two have different ids, or the submission holds labels rather than probabilities.
    """
    if manifest.answer.kind != "probabilities":
        raise Mismatch(f"{csv} holds labels, not probabilities, and has no log loss.")
    answer, truth = read_table(csv), read_table(solution)
    id_column = manifest.answer.id_column
    if set(answer[id_column]) != set(truth["id"]):
        raise Mismatch(f"{csv} and {solution} are not about the same ids: name the CSV of this competition.")
    joined = answer.set_index(id_column).loc[truth["id"], list(manifest.answer.columns)].astype(float).to_numpy()
    targets = encode_labels(truth["label"], manifest)
    return {
        "log_loss": log_loss(targets, joined, exclusive=manifest.sums_to_one),
        "accuracy": accuracy(targets, joined, exclusive=manifest.sums_to_one),
    }


def newest_answer(folder: Path) -> Path:
    """Return the CSV written last.

    Raises
    ------
    BadData
        If there is none.
    """
    found = sorted(folder.glob("*.csv"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise BadData(f"There is no CSV in {folder} yet: make one with `ensembler stack`.")
    return found[-1]
