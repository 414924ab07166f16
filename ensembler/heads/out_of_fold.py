"""Out-of-fold predictions of heads on the frozen features of a backbone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..competition.folds.folds import Folds
from ..competition.folds.splits import NOT_HELD_OUT
from .by_split import fit_split_heads, group_splits


def predict_out_of_fold(
    features: NDArray[np.float32],
    targets: NDArray[np.float32],
    folds: Folds,
    *,
    multiclass: bool,
    raise_if_stopping: Callable[[], None] = lambda: None,
) -> NDArray[np.float32]:
    """Predict the scored photos with linear heads, whose penalty is chosen inside their training folds.

    Parameters
    ----------
    features, targets
        Arrays of shape (photos, width) and (photos, outputs).
    folds
        Folds of these photos.
    multiclass
        Whether a photo has one class.
    raise_if_stopping
        Function called before each pass over the features. It may raise an exception to stop.

    Returns
    -------
    array of shape (scored photos, outputs)
        Mean of each photo over the repeats.
    """
    sums = np.zeros(targets.shape)
    for splits in group_splits(folds, [split for split in range(folds.splits) if folds.mask_held_out(split).any()]):
        for split, head in fit_split_heads(
            features, targets, folds, splits, multiclass=multiclass, raise_if_stopping=raise_if_stopping
        ).items():
            sums[folds.mask_held_out(split)] += head.predict_proba(features[folds.mask_held_out(split)])
    counts = (folds.assigned != NOT_HELD_OUT).sum(axis=1)[folds.scored, None]
    return np.asarray(sums[folds.scored] / counts, np.float32)
