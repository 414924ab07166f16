"""Joined groups: photos that share a key, directly or through others, become one group."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def join_groups(photos: pd.Series, keys: Sequence[pd.Series]) -> pd.Series:
    """Join photos that share a key, directly or through others.

    Parameters
    ----------
    photos
        Identity of each row's photo.
    keys
        Series aligned with ``photos``. Rows with equal cells belong together. Empty cells are ignored.

    Returns
    -------
    Series
        Group of each row, named after the first cell of the first key, else after its first photo. The group of a
        single photo is empty.
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
    """Return the set number of each of ``count`` items. Each item of ``one`` is paired with one of ``other``."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(one), dtype=bool), (one, other)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1])


def _name_sets(photos: pd.Series, keys: Sequence[pd.Series], roots: list[int]) -> list[str]:
    """Name each set after its first cell of the first key, else after its first photo. Names are unique."""
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
