"""The photos of one rung, and what heads say of a backbone on them: each photo by one that did not see it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..competition.folds.file import load_folds
from ..competition.folds.folds import Folds
from ..competition.metrics.metrics import row_losses
from ..competition.tables import Tables
from ..errors import BadData
from ..paths import CompetitionFolder
from ..progress import SILENT, Progress
from ..serialization import fingerprint, read_arrays, write_arrays
from .candidates import Candidate
from .order import survey_order
from .out_of_fold import out_of_fold


@dataclass(frozen=True, eq=False)
class Rung:
    """The labelled photos on which some backbones are compared.

    Attributes
    ----------
    rows
        Their numbers in the table, in the survey's order.
    tables
        All photos.
    folds
        Of these photos.
    seed
        Of the order.
    """

    rows: NDArray[np.int64]
    tables: Tables
    folds: Folds
    seed: int

    @classmethod
    def first(cls, photos: int, folder: CompetitionFolder, tables: Tables, seed: int) -> Rung:
        """Take so many photos, the first ones in the survey's order."""
        folds = load_folds(folder, tables)
        rows = survey_order(tables, folds, seed)[:photos]
        return cls(rows, tables, folds.of(rows), seed)

    @property
    def exclusive(self) -> bool:
        """Whether a photo has one class."""
        return self.tables.manifest.sums_to_one

    @cached_property
    def scored(self) -> NDArray[np.int64]:
        """Numbers of the photos that have an out-of-fold prediction."""
        return self.rows[self.folds.scored]

    @property
    def targets(self) -> NDArray[np.float32]:
        """Of the scored photos, shape (photos, outputs)."""
        return self.tables.targets[self.scored]

    def predictions(
        self, folder: CompetitionFolder, one: Candidate, progress: Progress = SILENT
    ) -> NDArray[np.float32]:
        """Return the out-of-fold probabilities of the scored photos, shape (photos, outputs); they are kept."""
        key = fingerprint([one.key, one.record.folds, len(self.rows), self.seed])
        path = folder.survey / f"{one.name}-{one.image_size}-{len(self.rows)}-{key}.npz"
        try:
            kept = np.asarray(read_arrays(path)["out_of_fold"], np.float32)
            if kept.shape == self.targets.shape:
                return kept
        except (BadData, KeyError):
            pass
        total = len(self.tables.train_paths) + len(self.tables.test_paths)
        made = out_of_fold(
            one.features(folder, total).of(self.rows),
            self.tables.targets[self.rows],
            self.folds,
            exclusive=self.exclusive,
            go_on=lambda: progress.go_on(f"in the heads of {one.name}"),
        )
        write_arrays(path, out_of_fold=made)
        return made

    def losses(self, probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
        """Log loss of each scored photo."""
        return row_losses(self.targets, probabilities, exclusive=self.exclusive)
