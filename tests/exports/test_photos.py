from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

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


def test_photos_of_an_orientation_task_are_compared_as_they_are(tmp_path: Path) -> None:
    _, plain = small_competition(tmp_path)
    paths = [path for path in plain.train_paths for _ in range(4)]
    turns = np.tile(np.arange(4), len(plain.train_paths))
    tables: Any = SimpleNamespace(
        train_paths=paths,
        train_turns=turns,
        test_paths=paths,
        test_turns=turns,
        targets=np.eye(4, dtype=np.float32)[turns],
        manifest=plain.manifest,
    )
    photos = choose_photos(tables, 100)
    assert (photos.targets == [1, 0, 0, 0]).all()
    assert (len(photos.training), len(photos.test)) == (12, len({*paths}))
    assert not {*photos.training} & {*photos.calibration}
