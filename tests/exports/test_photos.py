from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.members_made import small_competition

from ensembler.competition.metrics.metrics import log_loss
from ensembler.exports.photos import choose_photos


@pytest.mark.parametrize(("count", "training", "calibration"), [(5, 5, 19), (100, 12, 12)])
def test_photos_of_calibration_are_others(tmp_path: Path, count: int, training: int, calibration: int) -> None:
    _, tables = small_competition(tmp_path)
    photos = choose_photos(tables, count)
    assert (len(photos.training), len(photos.test), len(photos.calibration)) == (training, min(count, 6), calibration)
    assert not {*photos.training} & {*photos.calibration}
    assert photos.all == choose_photos(tables, count).all
    rows = [tables.train_paths.index(path) for path in photos.training]
    assert (photos.targets == tables.targets[rows]).all()


def test_the_log_loss_is_that_of_training_photos(tmp_path: Path) -> None:
    _, tables = small_competition(tmp_path)
    photos = choose_photos(tables, 5)
    predicted = np.random.default_rng(0).dirichlet(np.ones(3), len(photos.all)).astype(np.float32)
    assert photos.compute_log_loss(predicted) == log_loss(photos.targets, predicted[:5], multiclass=True)
