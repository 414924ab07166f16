"""Linear heads for the splits of a competition. Those of one repeat are fitted side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..competition.folds.folds import Folds
from ..competition.folds.splits import ALL_PHOTOS
from .linear import LinearHead, fit_heads
from .links import Float32Array
from .stacked_views import Rows


def group_splits(folds: Folds, splits: Sequence[int]) -> list[list[int]]:
    """Group the splits whose heads are fitted together: those of one repeat if it has several folds."""
    alone = [[split] for split in splits if split == ALL_PHOTOS or folds.count == 1]
    repeats: dict[int, list[int]] = {}
    for split in splits:
        if split != ALL_PHOTOS and folds.count > 1:
            repeats.setdefault(folds.locate_split(split)[0], []).append(split)
    return [*repeats.values(), *alone]


def fit_split_heads(
    X: Rows,
    Y: Float32Array,
    folds: Folds,
    splits: Sequence[int],
    *,
    multiclass: bool,
    views: int = 1,
    weights: Callable[[int], Float32Array] | None = None,
    raise_if_stopping: Callable[[], None] = lambda: None,
) -> dict[int, LinearHead]:
    """Fit the heads of a group of :func:`group_splits`, each on the photos that its split does not hold out.

    Parameters
    ----------
    X
        Features of shape (views x photos, width): the first view of all photos, then the second, and so on.
    Y
        Targets 0 or 1, shape (photos, outputs).
    multiclass
        Whether the outputs are exclusive classes.
    views
        Number of views of each photo.
    weights
        Function that returns the weights of the outputs for a split, as for :meth:`.LinearHead.fit`. Each head is then
        fitted alone, because the weights differ. None weights all outputs equally.
    raise_if_stopping
        Called before each pass over the features. An exception ends the work.
    """
    options: Any = {"views": views, "raise_if_stopping": raise_if_stopping}
    if len(splits) > 1 and weights is None:
        repeat = folds.locate_split(splits[0])[0]
        numbers = {split: folds.locate_split(split)[1] for split in splits}
        heads = fit_heads(X, Y, folds.assigned[:, repeat], list(numbers.values()), multiclass=multiclass, **options)
        return {split: heads[number] for split, number in numbers.items()}
    fitted = {}
    for split in splits:
        rows = folds.mask_training(split)
        own = weights and weights(split)
        fitted[split] = LinearHead(multiclass=multiclass).fit(
            X[np.tile(rows, views)], Y[rows], folds.make_inner_folds(split), weights=own, **options
        )
    return fitted
