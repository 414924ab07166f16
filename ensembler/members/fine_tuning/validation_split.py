"""Rows that a training watches to know when to stop: taken from its own, never from those that it is scored on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...competition.folds.assignment import assign_folds
from ...competition.tables import Tables

# One photo in ten tells when to stop: enough for a log loss, few enough to be spared.
SPLIT_PARTS = 10


def split_validation_rows(rows: NDArray[Any], tables: Tables, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split the rows of a training into those that it learns from and those that it watches.

    The held-out fold must not choose the epoch: its score would be the best of many, and a stack would trust it.

    Parameters
    ----------
    rows
        Places in the training table.

    Returns
    -------
    tuple
        Rows to learn from, rows to watch; classes are spread evenly, groups are kept together.
    """
    some = tables.train.iloc[rows]
    parts = assign_folds(some["label"].reset_index(drop=True), some["group"].reset_index(drop=True), SPLIT_PARTS, seed)
    return rows[parts != 0], rows[parts == 0]
