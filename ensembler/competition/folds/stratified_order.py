"""An order of photos whose every prefix is stratified, as surveys and samples need it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..tables import Tables
from .folds import Folds


def order_photos(tables: Tables, folds: Folds, seed: int) -> NDArray[np.int64]:
    """Order the labelled photos, stratified by label and by fold, also if only one fold is held out."""
    labels = tables.train["label"]
    return order_by_strata([f"{fold} {label}" for fold, label in zip(folds.assigned[:, 0], labels, strict=True)], seed)


def order_by_strata(strata: Sequence[str], seed: int) -> NDArray[np.int64]:
    """Order rows so that every prefix contains each stratum in proportion, to within a row or two.

    The rows of a stratum are spread evenly, in random order and from a random offset, which spreads strata of one row
    as well. ``strata`` contains the stratum of each row.
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
