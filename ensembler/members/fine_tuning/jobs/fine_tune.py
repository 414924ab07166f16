"""The job of a fine-tuned member, which takes each fold from the starting network to its predictions."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ....competition.metrics.metrics import log_loss
from ....events import FoldBegan, FoldEnded, WorkAhead
from ....heads.jobs.losses import join_targets
from ....images.batches import iterate_pixel_batches
from ....images.photo_source import PhotoSource
from ....images.training_photos import TrainingPhotos
from ....inference.jobs.networks import PredictBatch, join_head, predict
from ....inference.jobs.predictor import Predictor
from ....inference.jobs.timing import BatchClock
from ....progress import SILENT, Progress, Task
from ....serialization import compute_fingerprint, make_record
from ....storage import write_file_atomically
from ...competition_photos import CompetitionPhotos, list_test_rows, make_competition_photos
from ...features.jobs.compute import build_member_backbone, load_or_compute_features
from ...features.views import list_head_views
from ...job_locks import lock_fold
from ...jobs.head_fitting import build_starting_head
from ...jobs.speed import save_training_speed
from ...jobs.tensorboard import add_tensorboard
from ...records import save_fold
from ...training_job import TrainingJob
from ...work import estimate_training_work
from ..checkpoints import Checkpoints
from ..fold_task import FoldTask
from ..validation_split import split_validation_rows
from .compiled_networks import CompiledNetworks
from .devices import Devices
from .trainer import Trainer
from .unfreezing import check_phases


def fine_tune(spec: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Fine-tune the folds named in ``spec``; see :class:`TrainingJob`."""
    job = make_record(spec, TrainingJob, "the description of the job")
    devices = Devices(data_parallel=job.data_parallel, batch_size=job.record.settings.batch_size, progress=progress)
    check_phases(job.record.settings, job.weights)
    networks = CompiledNetworks()
    for number, fold in enumerate(job.folds):
        later = len(job.folds) - number - 1
        with lock_fold(job, fold, progress) as missing:
            if missing:
                _fine_tune_fold(job, fold, later, devices, networks, add_tensorboard(job, fold, progress))
        # Names of layers begin again, so that each fold's network has those of the first.
        keras.backend.clear_session()
    return {}


def _fine_tune_fold(
    job: TrainingJob, fold: int, later: int, devices: Devices, networks: CompiledNetworks, progress: Progress
) -> None:
    """Fine-tune one fold. ``later`` folds follow in this job, and share its networks."""
    began = time.monotonic()
    progress.emit(FoldBegan(job.member, fold))
    progress.emit(WorkAhead(job.estimate_work(later + 1)))
    place = job.folder.fold(job.member, fold)
    owner = compute_fingerprint([job.record.fingerprint, fold])
    path = job.folder.checkpoint(job.member, fold)
    checkpoints = Checkpoints(path, owner, job.checkpoint_minutes)
    photos = make_competition_photos(job, progress)
    trainer = Trainer(_build_fold_task(job, fold, photos, progress), devices, progress, checkpoints, networks)
    began -= trainer.state.seconds
    model = trainer.run()
    # Training may have ended before its planned epochs, for lack of improvement or after an interruption.
    progress.emit(WorkAhead(job.estimate_work(later) + job.prediction_work))
    clock = BatchClock()
    viewed = trainer.learner.prepare_predictor(job.record.settings.tta)
    held_out, test = _predict_fold(viewed, job, fold, photos, progress, clock)
    _, backbone, head = model.layers
    with write_file_atomically(place / "model.keras") as temporary:
        # The stored model has no optimizer, which halves its size.
        join_head(backbone, head, job.member).save(temporary)
    predictions, score = job.join_predictions(fold, held_out, test)
    seconds = time.monotonic() - began
    save_fold(job.folder, job.record, fold, predictions, trainer.history, score, seconds)
    checkpoints.remove()
    progress.emit(FoldEnded(job.member, fold, len(trainer.history), score, round(seconds, 3)))
    in_batches = clock.compute_photos_per_second(job.record.settings.batch_size)
    save_training_speed(job.folder, job.record, model.count_params(), in_batches)


def _build_fold_task(job: TrainingJob, fold: int, photos: CompetitionPhotos, progress: Progress) -> FoldTask:
    settings, tables = job.resolve_settings(fold), job.tables
    rows, evaluation_rows = np.flatnonzero(job.splits.mask_training(fold)), {}
    seed = job.compute_seed(fold)
    if settings.patience:
        rows, evaluation_rows["validation"] = split_validation_rows(rows, job.corrected.tables, seed)
    if job.splits.mask_held_out(fold).any():
        evaluation_rows["held_out"] = np.flatnonzero(job.splits.mask_held_out(fold))
    # Validation and held-out rows contain real labels only, because predictions are not a ground truth.
    pseudo = job.load_pseudo_labelled(fold)
    learned = photos.select_training_photos(np.concatenate([rows, list_test_rows(tables)[pseudo.rows]]))
    targets, soft = np.concatenate([job.targets[rows], pseudo.targets]), job.load_soft_targets(fold, rows)
    training = TrainingPhotos(learned, join_targets(targets, soft), tables.rows_per_photo)
    return FoldTask(
        name=f"{job.member}, {job.describe_fold(fold)}",
        settings=settings,
        multiclass=job.multiclass,
        photos=training,
        targets=targets,
        seed=seed,
        build=partial(_build_starting_network, job, fold, progress),
        evaluate=partial(
            _compute_log_losses, job=job, evaluation_rows=evaluation_rows, photos=photos, progress=progress
        ),
        member=job.member,
        fold=fold,
        work=estimate_training_work(
            job.planned_settings, job.backbone, len(training), sum(map(len, evaluation_rows.values()))
        ),
        allotment=job.allotments.get(fold),
        soft=soft,
    )


def _build_starting_network(job: TrainingJob, fold: int, progress: Progress) -> Any:
    """Build the network from which fine-tuning starts."""
    settings = job.record.settings
    if settings.head == "fitted":
        # Computed before the seed is set, so that cached features do not change the random numbers that follow.
        load_or_compute_features(job, list_head_views(settings), progress)
    # Randomly initialised networks use one seed per fold, which makes their average better.
    seed = job.compute_seed(fold) if settings.weights == "none" else settings.seed
    backbone = build_member_backbone(settings, job.weights, seed)
    head = build_starting_head(job, fold, int(backbone.output_shape[-1]), progress)
    keras.utils.set_random_seed(job.compute_seed(fold))
    return join_head(backbone, head, job.member)


def _compute_log_losses(
    model: Any,
    job: TrainingJob,
    evaluation_rows: dict[str, NDArray[np.int64]],
    photos: CompetitionPhotos,
    progress: Progress,
) -> dict[str, float]:
    """Compute the log loss on each set of rows without augmentation.

    Held-out rows have the labels of the competition, and validation rows those that are learned.
    """
    losses = {}
    for name, rows in evaluation_rows.items():
        targets = job.targets if name == "validation" else job.tables.targets
        probabilities = compute_probabilities(model, photos.select_photos(rows), job, progress, SILENT.start("", 0))
        losses[name] = log_loss(targets[rows], probabilities, multiclass=job.multiclass)
    return losses


def _predict_fold(
    viewed: Any, job: TrainingJob, fold: int, photos: CompetitionPhotos, progress: Progress, clock: BatchClock
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Predict the held-out and the readable test photos by a network that averages the views of the settings."""
    held_out = np.flatnonzero(job.splits.mask_held_out(fold))
    predicted = photos.select_photos(np.concatenate([held_out, list_test_rows(job.tables)]))
    task = progress.start(
        f"{job.member}: predict {job.describe_fold(fold)}",
        len(predicted),
        photos=1,
        work=job.prediction_work / max(1, len(predicted)),
    )
    predictor = Predictor(viewed, job.record.settings.batch_size, job.member, job.runtime, progress)

    def run(batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        with clock.time_batch():
            return predictor.predict_batch(batch, len(predicted))

    probabilities = compute_probabilities(viewed, predicted, job, progress, task, run)
    return probabilities[: len(held_out)], probabilities[len(held_out) :]


def compute_probabilities(
    model: Any,
    photos: PhotoSource,
    job: TrainingJob,
    progress: Progress,
    task: Task,
    run: PredictBatch | None = None,
) -> NDArray[np.float32]:
    """Predict photos by a network, by a function ``run`` of a batch if there is one."""
    settings = job.record.settings
    batches = iterate_pixel_batches(photos, settings.batch_size)
    stoppable_batches = progress.iterate_until_stopped(batches, f"in the predictions of {job.member}")
    return predict(model, stoppable_batches, len(photos), settings.batch_size, task, run)
