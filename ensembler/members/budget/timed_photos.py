"""The photos on which the speed of training is measured, and the files of that measurement."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...backbones.custom import resolve_backbone
from ...backbones.weight_files import BuiltNetwork, list_weight_files
from ...competition.tables import load_tables
from ...job_files import JobFiles
from ...paths import CompetitionFolder
from ..job_files import list_table_files
from .sizes import SettingsAndWeights

# Maximum number of measured updates, not counting compilation.
MAX_UPDATES = 10


def select_timed_rows(photos: int, batch_size: int) -> NDArray[np.int64]:
    """Select the rows of labelled photos for a measurement. Rows repeat if there are too few.

    Returns
    -------
    array
        Row numbers, shape (batches * batch_size,).
    """
    wanted = batch_size * (MAX_UPDATES + 2)
    return np.resize(np.linspace(0, photos - 1, min(wanted, photos)).astype(np.int64), wanted)


def list_timed_files(folder: CompetitionFolder, members: Sequence[SettingsAndWeights]) -> JobFiles:
    """List the files of the measurement of members."""
    paths = load_tables(folder).train_paths
    rows = {row for settings, _ in members for row in select_timed_rows(len(paths), settings.batch_size)}
    networks = [
        BuiltNetwork(
            resolve_backbone(one.backbone, one.builder, one.preprocessing, one.image_size), one.image_size, source
        )
        for one, source in members
    ]
    photos = JobFiles(photos=tuple(str(paths[row]) for row in sorted(rows)))
    return list_table_files(folder).join(photos, list_weight_files(networks))
