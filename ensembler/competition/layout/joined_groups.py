"""Joining groups: photos that share anything, directly or over others, are one group."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import pandas as pd


def join_groups(photos: pd.Series, keys: Sequence[pd.Series]) -> pd.Series:
    """Join photos that share a key of any kind, directly or over others.

    Parameters
    ----------
    photos
        What identifies each row's photo.
    keys
        Series aligned with ``photos``; rows of equal cells belong together, an empty cell says nothing.

    Returns
    -------
    Series
        A group per row: the first key of the first kind among its rows, else its first photo; empty for a photo on its
        own.
    """
    sets = DisjointSets()
    for kind, column in enumerate(keys):
        for photo, key in zip(photos, column, strict=True):
            if key:
                sets.join(("photo", photo), (kind, key))
    roots = [sets.find(("photo", photo)) for photo in photos]
    return pd.Series(_name_sets(photos, keys, roots), index=photos.index, dtype=str)


def _name_sets(photos: pd.Series, keys: Sequence[pd.Series], roots: list[Hashable]) -> list[str]:
    """Name each set after its first key of the first kind, else after its first photo, but never two sets alike."""
    named: dict[Hashable, str] = {}
    if keys:
        for root, key in zip(roots, keys[0], strict=True):
            if key:
                named.setdefault(root, key)
    taken = set(named.values())
    members: dict[Hashable, set[str]] = {}
    for root, photo in zip(roots, photos, strict=True):
        members.setdefault(root, set()).add(photo)
    for root, photo in zip(roots, photos, strict=True):
        if root not in named:
            named[root] = _make_unique_name(photo, taken) if len(members[root]) > 1 else ""
    return [named[root] for root in roots]


def _make_unique_name(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "'"
    taken.add(name)
    return name


class DisjointSets:
    """Disjoint sets that can be joined (union-find)."""

    def __init__(self) -> None:
        self._parents: dict[Hashable, Hashable] = {}

    def find(self, item: Hashable) -> Hashable:
        """Return what stands for the set that an item is in; an item that is new is a set of its own."""
        parent = self._parents.setdefault(item, item)
        while parent != self._parents[parent]:
            # Shorten the way for the next time.
            self._parents[parent] = self._parents[self._parents[parent]]
            parent = self._parents[parent]
        self._parents[item] = parent
        return parent

    def join(self, one: Hashable, other: Hashable) -> None:
        """Make one set of those that two items are in."""
        self._parents[self.find(other)] = self.find(one)
