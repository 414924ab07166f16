"""Facts about the photos of one set: formats, modes and sizes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd

from .photos import Photo
from .result import SetFacts, Sizes


def describe_set(photos: Sequence[Photo], name: str, rows: int, unreadable: pd.DataFrame) -> SetFacts:
    """Describe the photos of a set.

    Parameters
    ----------
    photos
        Readable photos of all sets.
    name
        ``train`` or ``test``.
    rows
        Number of the set's rows in its table. Unreadable training photos are not in the table.
    unreadable
        Table of unreadable photos of all sets.
    """
    facts = [photo.facts for photo in photos if photo.set == name]
    missing = unreadable.loc[unreadable["set"] == name, "id"].nunique()
    return SetFacts(
        photos=max(rows, len(facts) + missing),
        unreadable=missing,
        formats=dict(Counter(each.format for each in facts).most_common()),
        modes=dict(Counter(each.mode for each in facts).most_common()),
        sizes=Sizes(*(_bound([getattr(each, side) for each in facts]) for side in ("width", "height", "file_bytes")))
        if facts
        else None,
    )


def _bound(values: Sequence[int]) -> tuple[int, int, int]:
    return min(values), round(float(np.median(values))), max(values)
