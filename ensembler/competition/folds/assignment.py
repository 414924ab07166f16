"""Assigns folds: classes and tags are spread evenly, groups kept together, the same for the same seed."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import BadData
from ..manifest import SEPARATOR
from ..metrics.standard_errors import assign_units
from .multi_label import spread_tags

# Groups and rows on their own beyond which rows on their own are spread by themselves: scikit-learn looks at each group
# in turn, which takes minutes for a million, most of them of one row.
MAX_JOINT_UNITS = 100_000


def assign_folds(labels: pd.Series, groups: pd.Series, folds: int, seed: int) -> NDArray[np.int64]:
    """Assign each row to a fold: classes spread evenly, groups kept together.

    Parameters
    ----------
    labels
        Label of each row; several labels of a row are each spread evenly, see :func:`.spread_tags`.
    groups
        Group of each row, empty for rows on their own.
    folds
        Number of folds, at least 2.
    seed
        Seed of the assignment.

    Returns
    -------
    array of shape (rows,)
        Fold numbers from 0; each has at least one row. Fewer rows or groups than folds raise ``BadData``.
    """
    units = assign_units(groups.tolist())
    if (count := count_independent_photos(groups)) < folds:
        raise BadData(f"{folds} folds need at least {folds} independent training photos, there are {count}.")
    if labels.str.contains(SEPARATOR, regex=False).any():
        return spread_tags(labels, units, folds, seed)
    return _spread_classes(labels, units, folds, seed)


def count_independent_photos(groups: pd.Series) -> int:
    """Count groups and photos of no group."""
    return int((groups == "").sum() + groups[groups != ""].nunique())


def _spread_classes(labels: pd.Series, units: NDArray[np.int64], folds: int, seed: int) -> NDArray[np.int64]:
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    _, places, counts = np.unique(units, return_inverse=True, return_counts=True)
    alone = len(counts) == len(units)
    if not alone and len(counts) > MAX_JOINT_UNITS:
        single = counts[places] == 1
        if (counts > 1).sum() >= folds and single.sum() >= folds:
            assigned = np.empty(len(units), dtype=np.int64)
            for rows in (single, ~single):
                assigned[rows] = _spread_classes(labels[rows], units[rows], folds, seed)
            return assigned
    # All labels that are rarer than the folds are one stratum.
    common = labels.map(labels.value_counts()) >= folds
    strata = np.asarray(pd.factorize(labels.where(common, "\0rare"), sort=True)[0], dtype=np.int64)
    splitter: Any = StratifiedKFold if alone else StratifiedGroupKFold
    assigned = np.full(len(labels), -1, dtype=np.int64)
    with warnings.catch_warnings():
        # A class rarer than the folds cannot be in each of them; it is still spread as widely as it goes.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        parts = splitter(folds, shuffle=True, random_state=seed).split(strata, strata, groups=None if alone else units)
        for fold, (_, held_out) in enumerate(parts):
            assigned[held_out] = fold
    # scikit-learn leaves folds empty where few groups are much larger than others.
    return assigned if len(np.unique(assigned)) == folds else spread_tags(labels, units, folds, seed)
