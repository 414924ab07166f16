"""Joins groups: photos that share anything, directly or through others, are one group."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def join_groups(photos: pd.Series, keys: Sequence[pd.Series]) -> pd.Series:
    """Join photos that share a key of any kind, directly or through others.

    Parameters
    ----------
    photos
        Identity of each row's photo.
    keys
        Series aligned with ``photos``; rows of equal cells belong together, an empty cell says nothing.

    Returns
    -------
    Series
        Group of each row: the first key of the first kind among its rows, else its first photo; empty for a photo on
        its own.
    """
    codes, names = pd.factorize(photos)
    ends, count = [(codes, codes)], len(names)
    for column in keys:
        known = (column != "").to_numpy(dtype=bool)
        key_codes, key_names = pd.factorize(column[known])
        ends.append((codes[known], count + key_codes))
        count += len(key_names)
    sets = number_sets(np.concatenate([one for one, _ in ends]), np.concatenate([other for _, other in ends]), count)
    roots = sets[codes].tolist()
    return pd.Series(_name_sets(photos, keys, roots), index=photos.index, dtype=str)


def number_sets(one: NDArray[np.integer], other: NDArray[np.integer], count: int) -> NDArray[np.integer]:
    """Return the number of the set of each of ``count`` items, where ``one`` and ``other`` are paired."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(one), dtype=bool), (one, other)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1])


def _name_sets(photos: pd.Series, keys: Sequence[pd.Series], roots: list[int]) -> list[str]:
    """Name each set after its first key of the first kind, else after its first photo, but never two sets alike."""
    named: dict[int, str] = {}
    for root, key in zip(roots, keys[0] if keys else [], strict=False):
        if key:
            named.setdefault(root, key)
    taken, sizes = set(named.values()), photos.groupby(roots).nunique()
    for root, photo in zip(roots, photos, strict=True):
        if root not in named:
            name = photo if sizes[root] > 1 else ""
            while name in taken:
                name += "'"
            named[root] = name
            taken.update({name} - {""})
    return [named[root] for root in roots]
