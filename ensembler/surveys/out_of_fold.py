"""A backbone judged: heads on its frozen features, each photo predicted by a head that did not see it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..competition.folds.folds import Folds
from ..competition.folds.splits import NEVER
from ..heads.by_split import side_by_side, split_heads


def out_of_fold(
    features: NDArray[np.float32],
    targets: NDArray[np.float32],
    folds: Folds,
    *,
    exclusive: bool,
    go_on: Callable[[], None] = lambda: None,
) -> NDArray[np.float32]:
    """Predict the scored photos by linear heads, whose strength is chosen inside the folds that they learn from.

    Parameters
    ----------
    features
        Shape (photos, width).
    targets
        Shape (photos, outputs).
    folds
        Of these photos.
    exclusive
        One class a photo.
    go_on
        Called before each look at the features; it may end the work by an exception.

    Returns
    -------
    array of shape (scored photos, outputs)
        Of each photo the mean over the repeats.
    """
    sums = np.zeros(targets.shape)
    for splits in side_by_side(folds, [split for split in range(folds.splits) if folds.held_out(split).any()]):
        for split, head in split_heads(features, targets, folds, splits, exclusive=exclusive, go_on=go_on).items():
            sums[folds.held_out(split)] += head.predict_proba(features[folds.held_out(split)])
    times = (folds.assigned != NEVER).sum(axis=1)[folds.scored, None]
    return np.asarray(sums[folds.scored] / times, np.float32)
