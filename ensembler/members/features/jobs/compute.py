"""Frozen features. Each backbone processes each view of a photo once, for all folds and later runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ....backbones.custom import resolve_backbone
from ....backbones.jobs.build import build_backbone, compute_model_digest
from ....backbones.jobs.precision import use_precision
from ....backbones.jobs.views import add_view
from ....backbones.weights import parse_weights_source
from ....errors import Interrupted
from ....events import FeaturesMade
from ....images.batches import iterate_pixel_batches
from ....images.views import View
from ....inference.jobs.predictor import Predictor
from ....options.settings import MemberSettings
from ....progress import Progress
from ....storage import is_whole_zip, remove_unfinished, require_space, write_file_atomically
from ...competition_photos import make_competition_photos
from ...job_locks import wait_for_lock
from ...records import check_backbone
from ...training_job import TrainingJob
from ...work import estimate_photo_work
from ..files import build_feature_path
from ..parts import FeatureParts

# Features of the training photos and of the readable test photos by view, each of shape (photos, width).
Features = dict[View, tuple[NDArray[np.float32], NDArray[np.float32]]]


def load_or_compute_features(job: TrainingJob, views: Sequence[View], progress: Progress) -> Features:
    """Return the features of all photos for each view.

    Cached features are read. Missing ones are computed and cached, with each photo decoded once. Features of an
    interrupted run are reused.

    Raises
    ------
    UnreadablePhoto
        If a photo has become unreadable since it was scanned.
    StorageError
        If the disk has too little free space.
    """
    paths = {view: _build_cache_path(job, view) for view in views}
    if not all(path.is_file() for path in paths.values()):
        what = f"{job.member}: frozen features"
        with wait_for_lock(job.folder, f"features-{job.record.settings.backbone}", what, progress):
            # Another job may have computed them while this one waited.
            missing = {view: path for view, path in paths.items() if not path.is_file()}
            if missing:
                remove_unfinished(job.folder.features)
                # Always float32, because members of another precision share the features.
                with use_precision("float32"):
                    _compute_features(job, missing, progress)
    training = len(job.tables.train)
    stored = {view: np.load(path, mmap_mode="r", allow_pickle=False) for view, path in paths.items()}
    return {view: (features[:training], features[training:]) for view, features in stored.items()}


def load_or_build_backbone(job: TrainingJob) -> Any:
    """Load the backbone from ``backbone.keras``, or build it and save it there.

    Raises
    ------
    BadData
        If the file does not match the heads of finished folds.
    """
    path = job.folder.backbone(job.member)
    if check_backbone(job.folder, job.record) or is_whole_zip(path):
        return keras.saving.load_model(path, compile=False)
    model = _build_frozen_backbone(job)
    with write_file_atomically(path) as temporary:
        model.save(temporary)
    return model


def build_member_backbone(settings: MemberSettings, weights: str, seed: int | None = None) -> Any:
    """Build the backbone of a member's settings.

    Parameters
    ----------
    weights
        Source of the weights.
    seed
        Seed of random weights. None uses that of the settings.
    """
    backbone = resolve_backbone(settings.backbone, settings.builder, settings.preprocessing, settings.image_size)
    seed = settings.seed if seed is None else seed
    return build_backbone(backbone, settings.image_size, parse_weights_source(weights), seed, settings.pooling)


def _build_frozen_backbone(job: TrainingJob) -> Any:
    model = build_member_backbone(job.record.settings, job.weights)
    model.trainable = False
    return model


def _build_cache_path(job: TrainingJob, view: View) -> Path:
    own: tuple[str, ...] = ()
    if job.backbone.is_custom:
        # A user's function may return other weights than before.
        own = (job.record.settings.preprocessing, compute_model_digest(_build_frozen_backbone(job)))
    return build_feature_path(job.folder, job.record, view, own)


def _compute_features(job: TrainingJob, missing: dict[View, Path], progress: Progress) -> None:
    settings = job.record.settings
    # The stored backbone belongs to a frozen member. A fine-tuned one changes it in every fold.
    model = load_or_build_backbone(job) if settings.frozen else _build_frozen_backbone(job)
    photos = make_competition_photos(job, progress)
    room = 4 * len(missing) * len(photos) * int(model.output_shape[-1])
    require_space(job.folder.features, room, f"The features of {job.member}")
    # Fine-tuning does not count them as work, because only its first job computes them.
    work = estimate_photo_work(job.backbone, settings.image_size) if settings.frozen else 0
    began = time.monotonic()
    parts = {view: FeatureParts(path, len(photos), progress) for view, path in missing.items()}
    networks = {
        view: Predictor(add_view(model, view), settings.batch_size, job.member, job.runtime, progress)
        for view in missing
    }
    task = progress.start(f"{job.member}: frozen features", len(missing) * len(photos), photos=1, work=work)
    task.advance(int(sum(part.known.sum() for part in parts.values())))
    wanted = np.flatnonzero(~np.all([part.known for part in parts.values()], axis=0))
    batches = iterate_pixel_batches(photos.select_photos(wanted), settings.batch_size)
    stoppable_batches = progress.iterate_until_stopped(batches, f"in the frozen features of {job.member}")
    try:
        for start, batch in zip(range(0, len(wanted), settings.batch_size), stoppable_batches, strict=True):
            rows = wanted[start : start + len(batch)]
            for view, part in parts.items():
                # A survey may have computed one view of a photo and not another.
                fresh = ~part.known[rows]
                if fresh.any():
                    part.add(rows[fresh], networks[view].predict_batch(batch[fresh], len(photos)))
                    task.advance(int(fresh.sum()))
    except Interrupted:
        for part in parts.values():
            part.write()
        raise
    for part in parts.values():
        part.finish()
    task.finish()
    progress.emit(FeaturesMade(job.member, len(photos), len(missing), round(time.monotonic() - began, 3)))
