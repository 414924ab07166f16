"""Joining groups: photos that share anything, directly or over others, are one group."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import pandas as pd


def joined_groups(photos: pd.Series, keys: Sequence[pd.Series]) -> pd.Series:
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
    sets = Sets()
    for kind, column in enumerate(keys):
        for photo, key in zip(photos, column, strict=True):
            if key:
                sets.join(("photo", photo), (kind, key))
    roots = [sets.find(("photo", photo)) for photo in photos]
    return pd.Series(_names(photos, keys, roots), index=photos.index, dtype=str)


def _names(photos: pd.Series, keys: Sequence[pd.Series], roots: list[Hashable]) -> list[str]:
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
            named[root] = _free(photo, taken) if len(members[root]) > 1 else ""
    return [named[root] for root in roots]


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "'"
    taken.add(name)
    return name


class Sets:
    """Disjoint sets that can be joined (union-find)."""

    def __init__(self) -> None:
        self._above: dict[Hashable, Hashable] = {}

    def find(self, item: Hashable) -> Hashable:
        """Return what stands for the set that an item is in; an item that is new is a set of its own."""
        above = self._above.setdefault(item, item)
        while above != self._above[above]:
            # Shorten the way for the next time.
            self._above[above] = self._above[self._above[above]]
            above = self._above[above]
        self._above[item] = above
        return above

    def join(self, one: Hashable, other: Hashable) -> None:
        """Make one set of those that two items are in."""
        self._above[self.find(other)] = self.find(one)
