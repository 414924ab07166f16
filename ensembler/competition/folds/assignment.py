"""Assignment of photos to folds: stratified by class or tags, and by whole groups."""

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

# With more groups, photos without a group are assigned separately, because scikit-learn needs minutes for a million
# groups, most of which contain one row.
MAX_JOINT_UNITS = 100_000


def assign_folds(labels: pd.Series, groups: pd.Series, folds: int, seed: int) -> NDArray[np.int64]:
    """Assign each row to a fold, stratified by labels; groups stay together.

    Parameters
    ----------
    labels
        Label of each row. Rows with several labels are stratified by :func:`.spread_tags`.
    groups
        Group of each row, empty for rows without a group.
    folds
        Number of folds, at least 2.
    seed
        Seed of the assignment.

    Returns
    -------
    array of shape (rows,)
        Fold numbers from 0. Each fold has at least one row; ``BadData`` is raised if that is impossible.
    """
    units = assign_units(groups.tolist())
    if (count := count_independent_photos(groups)) < folds:
        raise BadData(
            f"{folds} folds need at least {folds} independent training photos, but there are {count}: add photos or "
            "make fewer folds."
        )
    if labels.str.contains(SEPARATOR, regex=False).any():
        return spread_tags(labels, units, folds, seed)
    return _spread_classes(labels, units, folds, seed)


def count_independent_photos(groups: pd.Series) -> int:
    """Count groups and photos without a group."""
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
    # All labels with fewer rows than folds form one stratum.
    common = labels.map(labels.value_counts()) >= folds
    strata = np.asarray(pd.factorize(labels.where(common, "\0rare"), sort=True)[0], dtype=np.int64)
    splitter: Any = StratifiedKFold if alone else StratifiedGroupKFold
    assigned = np.full(len(labels), -1, dtype=np.int64)
    with warnings.catch_warnings():
        # A class with fewer rows than folds cannot be in each fold, but is spread over as many as possible.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        parts = splitter(folds, shuffle=True, random_state=seed).split(strata, strata, groups=None if alone else units)
        for fold, (_, held_out) in enumerate(parts):
            assigned[held_out] = fold
    # scikit-learn leaves folds empty if a few groups are much larger than others.
    return assigned if len(np.unique(assigned)) == folds else spread_tags(labels, units, folds, seed)
