"""The folds of a competition: which photos are held out, trained on and scored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import BadData
from .assignment import assign_folds, count_independent_photos
from .splits import ALL_PHOTOS, NOT_HELD_OUT

# Folds inside the rows of a split that has no others, and the share that `--folds 1` holds out.
FALLBACK_FOLDS = 5

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Folds:
    """Folds, once or in several repeats.

    A *split* is one division into photos that a network learns from and photos that it is scored on. Splits are
    numbered from 0, those of the first repeat first; what is trained in one lies in the folder ``fold-SPLIT``.

    Attributes
    ----------
    assigned
        Fold of each training photo in each repeat, shape (rows, repeats); -1 where it is never held out.
    count
        Folds a repeat; 1 holds out one fifth.
    labels, groups
        Of the training photos, in the table's order; photos of no group have an empty one.
    """

    assigned: Rows
    count: int
    labels: pd.Series
    groups: pd.Series

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
        """Return the same folds for the training photos at ``rows``."""
        labels, groups = (column.iloc[rows].reset_index(drop=True) for column in (self.labels, self.groups))
        return Folds(self.assigned[rows], self.count, labels, groups)

    def locate_split(self, split: int) -> tuple[int, int]:
        """Return the repeat and the fold in it of a split, both from 0."""
        return divmod(split, self.count)

    def mask_held_out(self, split: int) -> Mask:
        """Return whether each photo is held out of a split, shape (rows,)."""
        if split == ALL_PHOTOS:
            return np.zeros(len(self.assigned), bool)
        repeat, fold = self.locate_split(split)
        return np.asarray(self.assigned[:, repeat] == fold)

    def mask_training(self, split: int) -> Mask:
        """Return whether each photo is trained on in a split, shape (rows,)."""
        return ~self.mask_held_out(split)

    def make_inner_folds(self, split: int) -> Rows:
        """Divide the training photos of a split, for the choice of settings.

        Returns
        -------
        array of shape (training photos,)
            The other folds of the repeat; where there are none, up to five that are made of these photos, by their
            labels and groups alone.
        """
        repeat = 0 if split == ALL_PHOTOS else self.locate_split(split)[0]
        learned = self.mask_training(split)
        return self.assigned[learned, repeat] if self.count > 1 else self._divide(learned, repeat)

    @property
    def scored(self) -> Mask:
        """Whether each photo is held out at least once, and so has an out-of-fold prediction, shape (rows,)."""
        return np.asarray((self.assigned != NOT_HELD_OUT).any(axis=1))

    def make_nested_folds(self) -> Rows:
        """Divide the scored photos, so that a meta-learner is scored on photos that it was not fitted on.

        Returns
        -------
        array of shape (scored photos,)
            The folds of the first repeat; where one fifth is held out, up to five that are made of the scored photos.

        Raises
        ------
        BadData
            If the scored photos are all of one group.
        """
        if self.count > 1:
            return self.assigned[:, 0]
        nested = self._divide(self.scored, 0)
        if not nested.any():
            raise BadData(
                "All held-out photos belong to one group, so nothing would be left to fit a stack on: make more folds "
                "with `ensembler folds --folds 5`."
            )
        return nested

    def make_nested_repeats(self, repeats: int) -> Rows:
        """Divide the scored photos several times, shape (scored photos, repeats); see :meth:`make_nested_folds`."""
        return np.column_stack(
            [self.make_nested_folds(), *(self._divide(self.scored, seed) for seed in range(1, repeats))]
        )

    def _divide(self, rows: Mask, seed: int) -> Rows:
        labels, groups = self.labels[rows].reset_index(drop=True), self.groups[rows].reset_index(drop=True)
        parts = min(FALLBACK_FOLDS, count_independent_photos(groups))
        return assign_folds(labels, groups, parts, seed) if parts > 1 else np.zeros(len(labels), np.int64)
