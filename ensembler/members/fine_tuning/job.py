"""The job of a fine-tuned member: each fold from the starting network to its predictions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ...competition.metrics.metrics import log_loss
from ...images.batches import TrainingPhotos, pixel_batches
from ...progress import SILENT, Progress
from ...storage import whole_file
from ..assignment import Assignment
from ..head_fitting import starting_head
from ..inference import join, predict
from ..network import build_backbone
from ..records import save_fold
from ..view_networks import with_views
from .devices import Devices
from .epochs import Training
from .lesson import Lesson
from .watched import set_apart


def fine_tune(told: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Fine-tune the folds named in ``told``; see :class:`Assignment`."""
    assignment = Assignment.from_json(told)
    devices = Devices(
        spread=assignment.data_parallel, batch_size=assignment.record.settings.batch_size, progress=progress
    )
    for fold in assignment.folds:
        _fine_tune_fold(assignment, fold, devices, progress)
        keras.backend.clear_session()
    return {}


def _fine_tune_fold(assignment: Assignment, fold: int, devices: Devices, progress: Progress) -> None:
    began = time.monotonic()
    training = Training(_lesson(assignment, fold, progress), devices, progress)
    model = training.run()
    held_out, test = _predict(model, assignment, fold, progress)
    model.trainable = False
    _, backbone, head = model.layers
    with whole_file(assignment.folder.fold(assignment.member, fold) / "model.keras") as temporary:
        # A model without optimizer: half the size, and nothing to recompile.
        join(backbone, head, assignment.member).save(temporary)
    predictions, score = assignment.predictions(fold, held_out, test)
    seconds = time.monotonic() - began
    save_fold(assignment.folder, assignment.record, fold, predictions, training.history, score, seconds)


def _lesson(assignment: Assignment, fold: int, progress: Progress) -> Lesson:
    settings, tables = assignment.record.settings, assignment.tables
    rows, judged_on = np.flatnonzero(assignment.fold_of_row != fold), {}
    seed = settings.seed + fold
    if settings.patience:
        rows, judged_on["watched"] = set_apart(rows, tables, seed)
    judged_on["held_out"] = np.flatnonzero(assignment.fold_of_row == fold)
    paths, targets = tables.train_paths, tables.targets
    return Lesson(
        name=f"{assignment.member}, fold {fold}",
        settings=settings,
        exclusive=assignment.exclusive,
        photos=TrainingPhotos([paths[row] for row in rows], targets[rows], settings.image_size),
        targets=targets[rows],
        seed=seed,
        build=partial(_starting_network, assignment, fold, progress),
        judge=partial(_log_losses, assignment=assignment, judged_on=judged_on),
        allotment=assignment.allotments.get(fold),
    )


def _starting_network(assignment: Assignment, fold: int, progress: Progress) -> Any:
    """Build the network as fine-tuning finds it."""
    settings = assignment.record.settings
    # Each fold of a random network starts from numbers of its own, which makes their mean better.
    seed = settings.seed + fold if settings.weights == "none" else settings.seed
    backbone = build_backbone(
        assignment.backbone, settings.image_size, assignment.weights_source, seed, settings.pooling
    )
    head = starting_head(assignment, fold, int(backbone.output_shape[-1]), progress)
    keras.utils.set_random_seed(settings.seed + fold)
    return join(backbone, head, assignment.member)


def _log_losses(model: Any, assignment: Assignment, judged_on: dict[str, NDArray[np.int64]]) -> dict[str, float]:
    """Log loss on each set of rows, of photos as they are."""
    paths, targets = assignment.tables.train_paths, assignment.tables.targets
    losses = {}
    for name, rows in judged_on.items():
        probabilities = _probabilities(model, [paths[row] for row in rows], assignment, SILENT, "")
        losses[name] = log_loss(targets[rows], probabilities, exclusive=assignment.exclusive)
    return losses


def _predict(
    model: Any, assignment: Assignment, fold: int, progress: Progress
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Probabilities for the held-out and the readable test photos, averaged over the views of the settings."""
    tables = assignment.tables
    held_out = np.flatnonzero(assignment.fold_of_row == fold)
    paths = [tables.train_paths[row] for row in held_out] + tables.test_paths
    viewed = with_views(model, assignment.record.settings.tta)
    probabilities = _probabilities(viewed, paths, assignment, progress, f"{assignment.member}: predict fold {fold}")
    return probabilities[: len(held_out)], probabilities[len(held_out) :]


def _probabilities(
    model: Any, paths: Sequence[Path], assignment: Assignment, progress: Progress, label: str
) -> NDArray[np.float32]:
    settings = assignment.record.settings
    batches = pixel_batches(paths, settings.image_size, settings.batch_size)
    return predict(model, batches, len(paths), settings.batch_size, progress.start(label, len(paths)))
