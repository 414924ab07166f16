"""The four rotations of a photo, each of which is a row of an orientation task."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ...errors import BadData
from ..task import ROTATIONS

# Separates a photo from its rotation in the id of a row.
_SEPARATOR = "@"


def name_rotations(photo: str) -> list[str]:
    """Return the ids of the rows of a photo, such as ``cats/1.jpg@90``."""
    return [f"{photo}{_SEPARATOR}{rotation}" for rotation in ROTATIONS]


def rotate_rows(photos: pd.DataFrame) -> pd.DataFrame:
    """Return four consecutive rows for each row of a table of photos, with ``rotation`` as a further column.

    A label becomes the rotation. The rows of a photo without a group become a group of their own.
    """
    rows = photos.loc[photos.index.repeat(len(ROTATIONS))].reset_index(drop=True)
    rotations = pd.Series(np.tile(ROTATIONS, len(photos)), dtype=str)
    rows["id"] = rows["id"] + _SEPARATOR + rotations
    if "label" in rows:
        rows["label"] = rotations
    if "group" in rows:
        rows["group"] = rows["group"].where(rows["group"] != "", rows["path"])
    return rows.assign(rotation=rotations)


def read_photos(ids: Sequence[str], source: object) -> list[str]:
    """Return the photos that the rows of a sample submission ask for.

    Raises
    ------
    BadData
        If the rows of a photo are not its four rotations in their order.
    """
    photos = [identity.rpartition(_SEPARATOR)[0] for identity in ids[:: len(ROTATIONS)]]
    expected = [identity for photo in photos for identity in name_rotations(photo)]
    if expected != list(ids):
        odd = next((one for one, other in zip(ids, expected, strict=False) if one != other), ids[-1])
        raise BadData(
            f"{source} must ask for the four rotations of each photo in one order ({', '.join(ROTATIONS)}), which the "
            f"row {odd!r} is not: make the file again with `ensembler adopt FOLDER --task orientation --force`."
        )
    return photos


def count_quarter_turns(rotations: pd.Series) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return rotations as numbers of quarter turns counter-clockwise, shape (rows,)."""
    return rotations.map(ROTATIONS.index).to_numpy(dtype=np.int64)
