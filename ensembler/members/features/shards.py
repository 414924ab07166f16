"""Shards of frozen features: rows that jobs compute side by side, and a later job joins into one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import numpy as np
from numpy.typing import NDArray

from ...images.photo_store import PHOTOS_PER_FILE
from ...images.views import View
from ..training_job import TrainingJob


@dataclass(frozen=True)
class FeatureShard:
    """Some rows of the features of a member.

    Attributes
    ----------
    job
        Training job of the member, without folds.
    views
        Views of each photo.
    start, stop
        First row, and the row after the last one.
    """

    job: TrainingJob
    views: tuple[View, ...]
    start: int
    stop: int

    @property
    def rows(self) -> range:
        """All rows of the shard, known or not."""
        return range(self.start, self.stop)


def count_full_shards(photos: int, batch_size: int) -> int:
    """Return the largest number of shards each of which certainly fills a batch."""
    return photos // (2 * max(batch_size, PHOTOS_PER_FILE))


def divide_rows(known: NDArray[np.bool_], batch_size: int, shards: int) -> Sequence[range]:
    """Divide the rows into shards with about the same number of unknown rows.

    The unknown rows before each shard fill whole batches. So each photo is in the same batch as without shards, and its
    features have the same bits. If no row is known, shards also consist of whole files of decoded photos where the size
    of batches allows it.

    Parameters
    ----------
    known
        Boolean array of shape (rows,) that is True for rows that need not be computed.
    shards
        Maximum number of shards.

    Returns
    -------
    sequence of range
        Rows of each shard. Together they cover all unknown rows.
    """
    unknown = np.flatnonzero(~known)
    if not len(unknown):
        return []
    # At least a file of decoded photos, in whole batches.
    unit = batch_size * ceil(PHOTOS_PER_FILE / batch_size)
    units = ceil(len(unknown) / unit)
    shards = max(1, min(shards, units))
    starts = [unit * (number * units // shards) for number in range(shards)]
    edges = [0, *(int(unknown[start]) for start in starts[1:]), len(known)]
    return [range(start, stop) for start, stop in pairwise(edges)]
