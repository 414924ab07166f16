"""Linear heads for the splits of a competition, those of one repeat side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..competition.folds.folds import Folds
from ..competition.folds.splits import ALL_PHOTOS
from .linear import LinearHead, fit_heads
from .stacked_views import Rows


def group_splits(folds: Folds, splits: Sequence[int]) -> list[list[int]]:
    """Group the splits whose heads are fitted together: those of one repeat, if it has several folds."""
    alone = [[split] for split in splits if split == ALL_PHOTOS or folds.count == 1]
    repeats: dict[int, list[int]] = {}
    for split in splits:
        if split != ALL_PHOTOS and folds.count > 1:
            repeats.setdefault(folds.locate_split(split)[0], []).append(split)
    return [*repeats.values(), *alone]


def fit_split_heads(
    X: Rows,
    Y: NDArray[np.float32],
    folds: Folds,
    splits: Sequence[int],
    *,
    multiclass: bool,
    views: int = 1,
    weights: Callable[[int], NDArray[np.float32] | None] = lambda _: None,
    raise_if_stopping: Callable[[], None] = lambda: None,
) -> dict[int, LinearHead]:
    """Fit the heads of splits that :func:`group_splits` put together, each on what its split does not hold out.

    Parameters
    ----------
    X
        Features of shape (views x photos, width): all photos as one view shows them, then as the next does.
    Y
        Targets 0 or 1, shape (photos, outputs).
    multiclass
        Whether the outputs are exclusive classes.
    views
        Number of views of each photo.
    weights
        Function from a split to the weights of its outputs, as :meth:`.LinearHead.fit` takes them.
    raise_if_stopping
        Called before each pass over the features; it may end the work by an exception.
    """
    if len(splits) > 1 and all(weights(split) is None for split in splits):
        repeat = folds.locate_split(splits[0])[0]
        numbers = {split: folds.locate_split(split)[1] for split in splits}
        heads = fit_heads(
            X,
            Y,
            folds.assigned[:, repeat],
            list(numbers.values()),
            multiclass=multiclass,
            views=views,
            raise_if_stopping=raise_if_stopping,
        )
        return {split: heads[number] for split, number in numbers.items()}
    fitted = {}
    for split in splits:
        rows = folds.mask_training(split)
        features = X[np.tile(rows, views)]
        fitted[split] = LinearHead(multiclass=multiclass).fit(
            features,
            Y[rows],
            folds.make_inner_folds(split),
            views=views,
            weights=weights(split),
            raise_if_stopping=raise_if_stopping,
        )
    return fitted
