"""Validation rows for early stopping, taken from the training rows and never from the held-out fold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...competition.folds.assignment import assign_folds
from ...competition.tables import Tables

# One tenth of the training rows is used for validation.
SPLIT_PARTS = 10


def split_validation_rows(rows: NDArray[Any], tables: Tables, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split the rows of a training into training and validation rows.

    The held-out fold must not choose the epoch, because its score would then be the best of many and too optimistic.

    Parameters
    ----------
    rows
        Row numbers in the training table.

    Returns
    -------
    tuple
        Training rows and validation rows, stratified by class. Groups are kept together.
    """
    some = tables.train.iloc[rows]
    parts = assign_folds(some["label"].reset_index(drop=True), some["group"].reset_index(drop=True), SPLIT_PARTS, seed)
    return rows[parts != 0], rows[parts == 0]
