"""Folds of photos with several labels, stratified by each label and by whole groups."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..manifest import SEPARATOR

Counts = NDArray[np.float64]


def spread_tags(labels: pd.Series, units: NDArray[np.int64], folds: int, seed: int) -> NDArray[np.int64]:
    """Assign each row to a fold by iterative stratification.

    The rarest label is assigned first, because it leaves the least choice. Each of its photos is assigned to the fold
    that needs the label most (K. Sechidis, G. Tsoumakas, I. Vlahavas, *On the Stratification of Multi-Label Data*, ECML
    PKDD 2011). A group is assigned as a whole, and large groups first, while all folds have room for them.

    Parameters
    ----------
    labels
        Labels of each row, joined by ``|``. Rows without labels share a label of their own.
    units
        Number of each row's unit, from 0. Rows of one unit stay together.
    folds
        Number of folds, at most the number of units.
    seed
        Seed of the choice among equal folds.

    Returns
    -------
    array of shape (rows,)
        Fold numbers from 0. Each fold has at least one row.
    """
    counts, sizes = _count_labels(labels, units), np.bincount(units)
    by_label = counts.tocsc()
    room = _FoldRoom(counts.sum(axis=0), len(labels), folds, len(sizes), np.random.default_rng(seed))
    fold_of_unit = np.full(len(sizes), -1, dtype=np.int64)
    while (fold_of_unit < 0).any():
        label = room.find_rarest_label()
        column = slice(by_label.indptr[label], by_label.indptr[label + 1])
        having, times = by_label.indices[column], by_label.data[column]
        left = fold_of_unit[having] < 0
        having, times = having[left], times[left]
        shuffled = room.random.permutation(len(having))
        for unit in having[shuffled[np.argsort(-times[shuffled], kind="stable")]]:
            own = slice(counts.indptr[unit], counts.indptr[unit + 1])
            fold_of_unit[unit] = room.place_unit(counts.indices[own], counts.data[own], int(sizes[unit]), label)
    return fold_of_unit[units]


def _count_labels(labels: pd.Series, units: NDArray[np.int64]) -> Any:
    """Count the rows of each unit and label; sparse, shape (units, labels)."""
    from scipy.sparse import coo_array

    each = labels.reset_index(drop=True).str.split(SEPARATOR, regex=False).explode()
    codes, names = pd.factorize(each, sort=True)
    places = units[each.index.to_numpy()], codes
    return coo_array((np.ones(len(codes)), places), shape=(int(units.max()) + 1, len(names))).tocsr()


class _FoldRoom:
    """Numbers of rows that each fold still needs, per label and in total."""

    def __init__(self, labels: Counts, rows: int, folds: int, units: int, random: np.random.Generator) -> None:
        self.random = random
        self._remaining_labels = labels
        self._labels = np.tile(labels / folds, (folds, 1))
        self._rows = np.full(folds, rows / folds)
        self._empty = np.ones(folds, dtype=bool)
        self._units_left = units

    def find_rarest_label(self) -> int:
        """Return the label with the fewest unassigned rows."""
        return int(np.where(self._remaining_labels > 0, self._remaining_labels, np.inf).argmin())

    def place_unit(self, labels: NDArray[np.int64], counts: Counts, size: int, label: int) -> int:
        """Assign a unit to the fold that needs ``label`` most, then rows most, and return the fold."""
        # No fold may stay empty.
        every = np.arange(len(self._empty))
        chances = np.flatnonzero(self._empty) if self._units_left <= self._empty.sum() else every
        for lacking in (self._labels[:, label], self._rows):
            chances = chances[np.isclose(lacking[chances], lacking[chances].max())]
        fold = int(self.random.choice(chances))
        self._labels[fold, labels] -= counts
        self._remaining_labels[labels] -= counts
        self._rows[fold] -= size
        self._empty[fold] = False
        self._units_left -= 1
        return fold
