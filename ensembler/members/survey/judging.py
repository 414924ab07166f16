"""A backbone judged: heads on its frozen features, each photo predicted by a head that did not see it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ...competition.folds.folds import NEVER, Folds
from ..linear_head import LinearHead


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
        Called before each head.

    Returns
    -------
    array of shape (scored photos, outputs)
        Of each photo the mean over the repeats.
    """
    sums = np.zeros(targets.shape)
    for split in range(folds.splits):
        go_on()
        learned, held_out = folds.training(split), folds.held_out(split)
        if not held_out.any():
            continue
        head = LinearHead(exclusive=exclusive).fit(features[learned], targets[learned], folds.inner_folds(split))
        sums[held_out] += head.predict_proba(features[held_out])
    times = (folds.assigned != NEVER).sum(axis=1)[folds.scored, None]
    return np.asarray(sums[folds.scored] / times, np.float32)
