"""The order of the photos in a survey, of which every beginning is stratified."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..competition.folds.folds import Folds
from ..competition.tables import Tables


def order_survey_photos(tables: Tables, folds: Folds, seed: int) -> NDArray[np.int64]:
    """Order the labelled photos, stratified by label and fold; if one fold alone is held out, it is too."""
    labels = tables.train["label"]
    return order_by_strata([f"{fold} {label}" for fold, label in zip(folds.assigned[:, 0], labels, strict=True)], seed)


def order_by_strata(strata: Sequence[str], seed: int) -> NDArray[np.int64]:
    """Order rows so that each stratum has its share of every beginning of the order, to within a row or two.

    The rows of a stratum are spread evenly, in random order and from a random place on, so that strata of one row are
    spread too. ``strata`` has the stratum of each row.
    """
    random = np.random.default_rng(seed)
    _, numbers, counts = np.unique(np.asarray(strata, dtype=str), return_inverse=True, return_counts=True)
    shuffled = random.permutation(len(numbers))
    # Rank of each row among those of its stratum, in shuffled order.
    by_stratum = shuffled[np.argsort(numbers[shuffled], kind="stable")]
    ranks = np.empty(len(numbers))
    ranks[by_stratum] = np.arange(len(numbers)) - np.repeat(np.cumsum(counts) - counts, counts)
    places = (ranks + random.random(len(counts))[numbers]) / counts[numbers]
    return np.argsort(places, kind="stable")
