"""The job of a fine-tuned member: each fold from the starting network to its predictions."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ....backbones.jobs.build import build_backbone
from ....backbones.jobs.views import with_views
from ....competition.metrics.metrics import log_loss
from ....events import FoldBegan, FoldEnded, WorkAhead
from ....images.batches import pixel_batches
from ....images.photo_source import PhotoSource
from ....images.training_photos import TrainingPhotos
from ....inference.jobs.networks import Run, join, predict
from ....inference.jobs.predictor import Predictor
from ....progress import Progress, Task
from ....serialization import fingerprint
from ....storage import whole_file
from ...competition_photos import CompetitionPhotos, numbers_to_predict, photos_of
from ...features.jobs.compute import frozen_features
from ...job_locks import fold_to_train
from ...jobs.head_fitting import learned_views, starting_head
from ...jobs.speed import keep_speed
from ...jobs.tensorboard import watched_by_board
from ...records import save_fold
from ...training_job import Assignment
from ...work import learning_work
from ..checkpoints import Checkpoints
from ..fold_task import Lesson
from ..validation_split import set_apart
from .devices import Devices
from .trainer import Training


def fine_tune(told: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Fine-tune the folds named in ``told``; see :class:`Assignment`."""
    assignment = Assignment.from_json(told)
    devices = Devices(
        spread=assignment.data_parallel, batch_size=assignment.record.settings.batch_size, progress=progress
    )
    for number, fold in enumerate(assignment.folds):
        later = len(assignment.folds) - number - 1
        with fold_to_train(assignment, fold, progress) as missing:
            if missing:
                _fine_tune_fold(assignment, fold, later, devices, watched_by_board(assignment, fold, progress))
        keras.backend.clear_session()
    return {}


def _fine_tune_fold(assignment: Assignment, fold: int, later: int, devices: Devices, progress: Progress) -> None:
    """Fine-tune one fold, ``later`` of which follow in this job."""
    began = time.monotonic()
    progress.tell(FoldBegan(assignment.member, fold))
    progress.tell(WorkAhead(assignment.work(later + 1)))
    place = assignment.folder.fold(assignment.member, fold)
    owner = fingerprint([assignment.record.fingerprint, fold])
    path = assignment.folder.checkpoint(assignment.member, fold)
    checkpoints = Checkpoints(path, owner, assignment.checkpoint_minutes)
    photos = photos_of(assignment, progress)
    training = Training(_lesson(assignment, fold, photos, progress), devices, progress, checkpoints)
    began -= training.state.seconds
    model = training.run()
    # Less than was planned may have been trained, after an interruption or out of patience.
    progress.tell(WorkAhead(assignment.work(later) + assignment.prediction_work))
    held_out, test = _predict(model, assignment, fold, photos, progress)
    model.trainable = False
    _, backbone, head = model.layers
    with whole_file(place / "model.keras") as temporary:
        # A model without optimizer: half the size, and nothing to recompile.
        join(backbone, head, assignment.member).save(temporary)
    predictions, score = assignment.predictions(fold, held_out, test)
    seconds = time.monotonic() - began
    save_fold(assignment.folder, assignment.record, fold, predictions, training.history, score, seconds)
    checkpoints.remove()
    progress.tell(FoldEnded(assignment.member, fold, len(training.history), score, round(seconds, 3)))
    keep_speed(assignment.folder, assignment.record, lambda: model, progress)


def _lesson(assignment: Assignment, fold: int, photos: CompetitionPhotos, progress: Progress) -> Lesson:
    settings, tables = assignment.settings_of(fold), assignment.tables
    rows, judged_on = np.flatnonzero(assignment.splits.training(fold)), {}
    seed = assignment.seed_of(fold)
    if settings.patience:
        rows, judged_on["watched"] = set_apart(rows, tables, seed)
    if assignment.splits.held_out(fold).any():
        judged_on["held_out"] = np.flatnonzero(assignment.splits.held_out(fold))
    # Photos that watch or judge are real ones alone: a pseudo-label is no truth to be measured by.
    pseudo = assignment.pseudo_labelled(fold)
    learned = photos.to_learn(np.concatenate([rows, numbers_to_predict(tables)[pseudo.rows]]))
    targets = np.concatenate([tables.targets[rows], pseudo.targets])
    return Lesson(
        name=f"{assignment.member}, {assignment.words_of(fold)}",
        settings=settings,
        exclusive=assignment.exclusive,
        photos=TrainingPhotos(learned, targets),
        targets=targets,
        seed=seed,
        build=partial(_starting_network, assignment, fold, progress),
        judge=partial(_log_losses, assignment=assignment, judged_on=judged_on, photos=photos, progress=progress),
        member=assignment.member,
        fold=fold,
        work=learning_work(
            assignment.planned_settings, assignment.backbone, len(targets), sum(map(len, judged_on.values()))
        ),
        allotment=assignment.allotments.get(fold),
    )


def _starting_network(assignment: Assignment, fold: int, progress: Progress) -> Any:
    """Build the network as fine-tuning finds it."""
    settings = assignment.record.settings
    if settings.head == "fitted":
        # Before anything is random: features that lie there already must not change the numbers of what follows.
        frozen_features(assignment, learned_views(assignment), progress)
    # Each fold of a random network starts from numbers of its own, which makes their mean better.
    seed = assignment.seed_of(fold) if settings.weights == "none" else settings.seed
    backbone = build_backbone(
        assignment.backbone, settings.image_size, assignment.weights_source, seed, settings.pooling
    )
    head = starting_head(assignment, fold, int(backbone.output_shape[-1]), progress)
    keras.utils.set_random_seed(assignment.seed_of(fold))
    return join(backbone, head, assignment.member)


def _log_losses(
    model: Any,
    assignment: Assignment,
    judged_on: dict[str, NDArray[np.int64]],
    photos: CompetitionPhotos,
    progress: Progress,
) -> dict[str, float]:
    """Log loss on each set of rows, of photos as they are."""
    targets = assignment.tables.targets
    losses = {}
    for name, rows in judged_on.items():
        probabilities = _probabilities(model, photos.some(rows), assignment, progress, Task())
        losses[name] = log_loss(targets[rows], probabilities, exclusive=assignment.exclusive)
    return losses


def _predict(
    model: Any, assignment: Assignment, fold: int, photos: CompetitionPhotos, progress: Progress
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Probabilities for the held-out and the readable test photos, averaged over the views of the settings."""
    held_out = np.flatnonzero(assignment.splits.held_out(fold))
    predicted = photos.some(np.concatenate([held_out, numbers_to_predict(assignment.tables)]))
    viewed = with_views(model, assignment.record.settings.tta)
    task = progress.start_photos(
        f"{assignment.member}: predict {assignment.words_of(fold)}",
        len(predicted),
        work=assignment.prediction_work / max(1, len(predicted)),
    )
    predictor = Predictor(
        viewed, assignment.record.settings.batch_size, assignment.member, assignment.runtime, progress
    )
    run = partial(predictor.answer, photos=len(predicted))
    probabilities = _probabilities(viewed, predicted, assignment, progress, task, run)
    return probabilities[: len(held_out)], probabilities[len(held_out) :]


def _probabilities(
    model: Any,
    photos: PhotoSource,
    assignment: Assignment,
    progress: Progress,
    task: Task,
    run: Run | None = None,
) -> NDArray[np.float32]:
    settings = assignment.record.settings
    batches = pixel_batches(photos, settings.batch_size)
    going_on = progress.until_stopped(batches, f"in the predictions of {assignment.member}")
    return predict(model, going_on, len(photos), settings.batch_size, task, run)
