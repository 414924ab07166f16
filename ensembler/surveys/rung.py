"""The photos of one rung, and the out-of-fold predictions of a backbone on them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..competition.folds.file import load_folds
from ..competition.folds.folds import Folds
from ..competition.folds.stratified_order import order_photos
from ..competition.metrics.metrics import compute_row_losses
from ..competition.tables import Tables
from ..errors import BadData
from ..heads.out_of_fold import predict_out_of_fold
from ..paths import CompetitionFolder
from ..progress import SILENT, Progress
from ..serialization import compute_fingerprint, read_arrays, write_arrays
from .candidates import Candidate


@dataclass(frozen=True, eq=False)
class Rung:
    """The labelled photos on which some backbones are compared.

    ``rows`` are their numbers in the table, in the order of the survey, ``tables`` those of all photos, and ``folds``
    the folds of the rows. ``seed`` is the seed of the order.
    """

    rows: NDArray[np.int64]
    tables: Tables
    folds: Folds
    seed: int

    @classmethod
    def take_first(cls, photos: int, folder: CompetitionFolder, tables: Tables, seed: int) -> Rung:
        """Take the first ``photos`` of the survey's order."""
        folds = load_folds(folder, tables)
        rows = order_photos(tables, folds, seed)[:photos]
        return cls(rows, tables, folds.select_rows(rows), seed)

    @property
    def is_multiclass(self) -> bool:
        """Whether a photo has one class."""
        return self.tables.manifest.sums_to_one

    @cached_property
    def scored(self) -> NDArray[np.int64]:
        """Numbers of the photos that have an out-of-fold prediction."""
        return self.rows[self.folds.scored]

    @property
    def targets(self) -> NDArray[np.float32]:
        """Targets of the scored photos, shape (photos, outputs)."""
        return self.tables.targets[self.scored]

    def load_or_predict(
        self, folder: CompetitionFolder, candidate: Candidate, progress: Progress = SILENT
    ) -> NDArray[np.float32]:
        """Return the out-of-fold probabilities of the scored photos, shape (photos, outputs), and cache them."""
        key = compute_fingerprint([candidate.key, candidate.record.folds, len(self.rows), self.seed])
        path = folder.survey / f"{candidate.name}-{candidate.image_size}-{len(self.rows)}-{key}.npz"
        try:
            cached = np.asarray(read_arrays(path)["out_of_fold"], np.float32)
            if cached.shape == self.targets.shape:
                return cached
        except (BadData, KeyError):
            pass
        total = len(self.tables.train_paths) + len(self.tables.test_paths)
        predicted = predict_out_of_fold(
            candidate.load_features(folder, total).read_rows(self.rows),
            self.tables.targets[self.rows],
            self.folds,
            multiclass=self.is_multiclass,
            raise_if_stopping=lambda: progress.raise_if_stopping(f"in the heads of {candidate.name}"),
        )
        write_arrays(path, out_of_fold=predicted)
        return predicted

    def compute_losses(self, probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the log loss of each scored photo."""
        return compute_row_losses(self.targets, probabilities, multiclass=self.is_multiclass)
