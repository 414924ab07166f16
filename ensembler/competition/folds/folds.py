"""The folds of a competition: held-out, training and scored photos."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import BadData
from .assignment import assign_folds, count_independent_photos
from .splits import ALL_PHOTOS, NOT_HELD_OUT

# Number of folds inside a split that has no other folds, and the reciprocal of the share that `--folds 1` holds out.
FALLBACK_FOLDS = 5

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Folds:
    """Folds in one or several repeats.

    A *split* divides the photos into training photos and held-out photos of one network. Splits are numbered from 0,
    those of the first repeat first. The results of a split are in the folder ``fold-SPLIT``.

    Attributes
    ----------
    assigned
        Fold of each training photo in each repeat, shape (rows, repeats); -1 for photos that are never held out.
    count
        Number of folds per repeat. 1 holds out one fifth.
    labels, groups
        Labels and groups of the training photos, in the table's order. The group may be empty.
    excluded
        Mask of the photos that are never learned from, shape (rows,). They are held out and scored like others. None
        excludes no photo.
    """

    assigned: Rows
    count: int
    labels: pd.Series
    groups: pd.Series
    excluded: Mask | None = None

    @property
    def excluded_rows(self) -> Mask:
        """Mask of the photos that are never learned from, shape (rows,)."""
        return np.zeros(len(self.assigned), bool) if self.excluded is None else self.excluded

    @property
    def kept(self) -> Mask:
        """Mask of the photos that may be learned from, shape (rows,)."""
        return ~self.excluded_rows

    @property
    def repeats(self) -> int:
        """Number of repeats."""
        return int(self.assigned.shape[1])

    @property
    def splits(self) -> int:
        """Number of networks of a member: one for each fold of each repeat."""
        return self.count * self.repeats

    @property
    def held_out_count(self) -> int:
        """Approximate number of photos that a split holds out."""
        return int(self.mask_held_out(0).sum())

    def select_rows(self, rows: Rows) -> Folds:
        """Return the folds of the training photos at ``rows``."""
        labels, groups = (column.iloc[rows].reset_index(drop=True) for column in (self.labels, self.groups))
        return Folds(self.assigned[rows], self.count, labels, groups, self.excluded_rows[rows])

    def locate_split(self, split: int) -> tuple[int, int]:
        """Return the repeat and the fold of a split, both from 0."""
        return divmod(split, self.count)

    def mask_held_out(self, split: int) -> Mask:
        """Return the mask of the photos that a split holds out, shape (rows,)."""
        if split == ALL_PHOTOS:
            return np.zeros(len(self.assigned), bool)
        repeat, fold = self.locate_split(split)
        return np.asarray(self.assigned[:, repeat] == fold)

    def mask_training(self, split: int) -> Mask:
        """Return the mask of a split's training photos, shape (rows,)."""
        return ~self.mask_held_out(split) & self.kept

    def make_inner_folds(self, split: int) -> Rows:
        """Divide the training photos of a split into folds, for the choice of settings.

        Returns
        -------
        array of shape (training photos,)
            Fold numbers: the other folds of the repeat, or up to five new folds of these photos if there are none.
        """
        repeat = 0 if split == ALL_PHOTOS else self.locate_split(split)[0]
        learned = self.mask_training(split)
        return self.assigned[learned, repeat] if self.count > 1 else self._divide(learned, repeat)

    @property
    def scored(self) -> Mask:
        """Mask of the photos that are held out at least once, and so have an out-of-fold prediction, shape (rows,)."""
        return np.asarray((self.assigned != NOT_HELD_OUT).any(axis=1))

    def make_nested_folds(self) -> Rows:
        """Divide the scored photos into folds, to score a meta-learner on photos that it was not fitted on.

        Returns
        -------
        array of shape (scored photos,)
            Fold numbers: the folds of the first repeat, or up to five new folds if only one fifth is held out.

        Raises
        ------
        BadData
            If all scored photos belong to one group.
        """
        if self.count > 1:
            return self.assigned[:, 0]
        nested = self._divide(self.scored, 0)
        if not nested.any():
            raise BadData(
                "All held-out photos belong to one group, so a stack cannot be fitted and scored on different photos: "
                "make more folds with `ensembler folds --folds 5`."
            )
        return nested

    def make_nested_repeats(self, repeats: int) -> Rows:
        """Divide the scored photos several times, shape (scored photos, repeats), as :meth:`make_nested_folds` does."""
        return np.column_stack(
            [self.make_nested_folds(), *(self._divide(self.scored, seed) for seed in range(1, repeats))]
        )

    def _divide(self, rows: Mask, seed: int) -> Rows:
        labels, groups = self.labels[rows].reset_index(drop=True), self.groups[rows].reset_index(drop=True)
        parts = min(FALLBACK_FOLDS, count_independent_photos(groups))
        return assign_folds(labels, groups, parts, seed) if parts > 1 else np.zeros(len(labels), np.int64)
