"""The job of a frozen member, which computes its features once and fits one head per fold."""

from __future__ import annotations

import time
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ...events import FoldBegan, FoldEnded, WorkAhead
from ...heads.jobs.hidden import HiddenHead
from ...images.views import VIEWS
from ...inference.jobs.timing import BatchClock
from ...progress import Progress
from ...serialization import make_record
from ...storage import write_file_atomically
from ..features.jobs.compute import (
    Features,
    load_or_build_backbone,
    load_or_compute_features,
    read_feature_precision,
)
from ..features.views import list_feature_views
from ..job_locks import lock_fold
from ..records import save_fold
from ..training_job import TrainingJob
from .head_fitting import FoldHeads, Head, build_keras_head, fit_supervised_head
from .speed import save_training_speed
from .tensorboard import add_tensorboard


def train_frozen(spec: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Train the heads of the folds named in ``spec``; see :class:`TrainingJob`."""
    # The same process may have trained another member before.
    keras.backend.clear_session()
    job = make_record(spec, TrainingJob, "the description of the job")
    clock, settings = BatchClock(), job.record.settings
    features = load_or_compute_features(job, list_feature_views(settings), progress, clock)
    progress.emit(WorkAhead(0))
    backbone = load_or_build_backbone(job)
    heads = FoldHeads(job, {view: training for view, (training, _) in features.items()}, progress)
    task = progress.start(f"{job.member}: heads", len(job.folds))
    for number, fold in enumerate(job.folds):
        progress.raise_if_stopping(f"after {number} of {len(job.folds)} heads of {job.member}")
        with lock_fold(job, fold, progress) as missing:
            if missing:
                fold_progress = add_tensorboard(job, fold, progress)
                fold_progress.emit(FoldBegan(job.member, fold))
                fold_progress.emit(_train_fold(job, fold, heads, features))
        task.advance()
    task.finish()
    head = keras.saving.load_model(job.folder.fold(job.member, job.folds[0]) / "head.keras", compile=False)
    in_batches = clock.compute_photos_per_second(settings.batch_size, map(str, VIEWS[settings.tta]))
    save_training_speed(job.folder, job.record, backbone.count_params() + head.count_params(), in_batches)
    return {}


def _train_fold(job: TrainingJob, fold: int, heads: FoldHeads, features: Features) -> FoldEnded:
    began = time.monotonic()
    settings = job.record.settings
    head = fit_supervised_head(job, fold, features, lambda: heads.fit_fold(fold))
    place = job.folder.fold(job.member, fold)
    with write_file_atomically(place / "head.keras") as temporary:
        build_keras_head(head, settings.dropout).save(temporary)
    held_out = job.splits.mask_held_out(fold)
    predictions, score = job.join_predictions(
        fold,
        _average_over_views(head, [features[view][0][held_out] for view in VIEWS[settings.tta]]),
        _average_over_views(head, [features[view][1] for view in VIEWS[settings.tta]]),
    )
    # The setting that inner cross-validation chose.
    chosen = {"epochs": head.epochs_} if isinstance(head, HiddenHead) else {"inverse_penalty": head.strength_}
    history = [{"phase": "head", **chosen, "held_out_log_loss": score}]
    seconds = time.monotonic() - began
    save_fold(job.folder, job.record, fold, predictions, history, score, seconds, read_feature_precision(job))
    return FoldEnded(job.member, fold, None, score, round(seconds, 3))


def _average_over_views(head: Head, views: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.asarray(np.mean([head.predict_proba(view) for view in views], axis=0), dtype=np.float32)
