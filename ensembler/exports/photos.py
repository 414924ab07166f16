"""The photos on which exported files are compared with Keras, and those that calibrate int8."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..competition.manifest import Manifest
from ..competition.metrics.metrics import log_loss
from ..competition.tables import Tables
from ..errors import BadData

# Number of photos that measure the ranges of int8. More change them little.
CALIBRATION_PHOTOS = 100
_SEED = 0


@dataclass(frozen=True)
class ComparedPhotos:
    """Random photos of a competition, always the same.

    Attributes
    ----------
    training, test
        Photos to compare predictions on. Those of training have labels.
    calibration
        Other training photos, or the same if there are too few.
    targets
        Labels of ``training`` as 0 and 1, shape (photos, outputs).
    manifest
        Manifest of the competition.
    """

    training: tuple[Path, ...]
    test: tuple[Path, ...]
    calibration: tuple[Path, ...]
    targets: NDArray[np.float32]
    manifest: Manifest

    @property
    def all(self) -> tuple[Path, ...]:
        """Photos to compare predictions on, those of training first."""
        return (*self.training, *self.test)

    def compute_log_loss(self, probabilities: NDArray[np.float32]) -> float | None:
        """Return the log loss of predictions of :attr:`all`, from the training photos among them."""
        if not self.training:
            return None
        labelled = probabilities[: len(self.training)]
        return log_loss(self.targets, labelled, multiclass=self.manifest.sums_to_one)


def _list_upright(turns: NDArray[np.int64] | None, rows: int) -> NDArray[np.int64]:
    """List the rows of photos as they are in their files, without those of an orientation task that are rotated."""
    return np.arange(rows) if turns is None else np.flatnonzero(turns == 0)


def choose_photos(tables: Tables, count: int) -> ComparedPhotos:
    """Choose at most ``count`` training and ``count`` test photos, and at most 100 others for calibration.

    Raises
    ------
    BadData
        If the competition has no photo.
    """
    generator = np.random.default_rng(_SEED)
    order = generator.permutation(_list_upright(tables.train_turns, len(tables.train_paths)))
    # Half of few photos are left for calibration.
    compared = order[: min(count, max(len(order) - CALIBRATION_PHOTOS, (len(order) + 1) // 2))]
    others = order[len(compared) :][:CALIBRATION_PHOTOS]
    test = generator.permutation(_list_upright(tables.test_turns, len(tables.test_paths)))[:count]
    if not len(order) + len(test):
        raise BadData("The competition has no photos to compare predictions on: fetch or adopt it again.")
    return ComparedPhotos(
        training=tuple(tables.train_paths[row] for row in compared),
        test=tuple(tables.test_paths[row] for row in test),
        calibration=tuple(tables.train_paths[row] for row in (others if len(others) else compared)),
        targets=tables.targets[compared],
        manifest=tables.manifest,
    )
