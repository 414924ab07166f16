"""The four rotations of a photo, each of which is a row of an orientation task."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import BadData
from ..task import ROTATIONS

# Separates a photo from its rotation in the id of a row.
_SEPARATOR = "@"
# Probabilities are raised to this one before their logarithm is taken, so that one rotation cannot outweigh the others.
LEAST_PROBABILITY = 1e-6


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


def align_angles(predicted: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the probability of each angle by which a photo is stored rotated, shape (photos, 4).

    It is the geometric mean of what the four rotations tell. If three of them hardly tell one angle from another, the
    fourth decides.

    Parameters
    ----------
    predicted
        Probabilities of the four rotations of each photo, in their order, shape (4 x photos, 4). A photo that is stored
        rotated by an angle is found rotated by its row's rotation plus this angle.
    """
    count = len(ROTATIONS)
    logarithms = np.log(np.maximum(predicted, LEAST_PROBABILITY), dtype=np.float64).reshape(-1, count, count)
    shifts = (np.arange(count)[:, np.newaxis] + np.arange(count)) % count
    means = np.exp(np.take_along_axis(logarithms, shifts[np.newaxis], axis=2).mean(axis=1))
    return np.asarray(means / means.sum(axis=1, keepdims=True), np.float64)


def average_rotations(predicted: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average the predictions of the four rows of each photo, of which each row tells the rotation of all.

    Parameters
    ----------
    predicted
        Probabilities of shape (4 x photos, 4), as for :func:`align_angles`.

    Returns
    -------
    array of shape (4 x photos, 4)
        Means, which are those of the photo rotated by its row's rotation.
    """
    angles, count = align_angles(predicted), len(ROTATIONS)
    shifts = (np.arange(count) - np.arange(count)[:, np.newaxis]) % count
    return angles[:, shifts].reshape(-1, count).astype(np.float32)


def count_quarter_turns(rotations: pd.Series) -> NDArray[np.int64]:
    """Return rotations as numbers of quarter turns counter-clockwise, shape (rows,)."""
    return rotations.map(ROTATIONS.index).to_numpy(dtype=np.int64)
