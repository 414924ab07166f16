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
from ....images.photo_source import Pixels
from ....images.views import View
from ....inference.jobs.predictor import Predictor
from ....inference.jobs.timing import BatchClock
from ....inference.runtimes import RuntimeChoice, RuntimePrecision
from ....options.settings import MemberSettings
from ....progress import Progress
from ....serialization import make_record
from ....storage import is_whole_zip, remove_file, remove_unfinished, require_space, write_file_atomically
from ...competition_photos import CompetitionPhotos, make_competition_photos
from ...job_locks import wait_for_lock
from ...records import check_backbone
from ...training_job import TrainingJob
from ...work import estimate_photo_work
from ..feature_locks import lock_features
from ..files import build_feature_path
from ..parts import FeatureParts
from ..precision import choose_runtime, locate_decision, read_precision
from ..shards import FeatureShard
from .choose_precision import settle_precision

# Features of the training photos and of the readable test photos by view, each of shape (photos, width).
Features = dict[View, tuple[NDArray[np.float32], NDArray[np.float32]]]


def load_or_compute_features(
    job: TrainingJob, views: Sequence[View], progress: Progress, clock: BatchClock | None = None
) -> Features:
    """Return the features of all photos for each view.

    Cached features are read. Missing ones are computed and cached, with each photo decoded once. Features of an
    interrupted run are reused.

    Parameters
    ----------
    clock
        Clock of the batches that are computed here. None times none.

    Raises
    ------
    UnreadablePhoto
        If a photo has become unreadable since it was scanned.
    StorageError
        If the disk has too little free space.
    """
    own = settle_features(job, progress)
    paths = {view: build_feature_path(job.folder, job.record, view, own) for view in views}
    if not all(path.is_file() for path in paths.values()):
        with lock_features(job.folder, list(paths.values()), f"{job.member}: frozen features", progress):
            # Another job may have computed them while this one waited.
            _compute_features(job, paths, own, progress, clock=clock)
    training = len(job.tables.train)
    stored = {view: np.load(path, mmap_mode="r", allow_pickle=False) for view, path in paths.items()}
    return {view: (features[:training], features[training:]) for view, features in stored.items()}


def compute_shard(spec: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Compute the features of the rows named in ``spec`` and store them in parts; see :class:`.FeatureShard`.

    Raises
    ------
    UnreadablePhoto
        If a photo has become unreadable since it was scanned.
    StorageError
        If the disk has too little free space.
    """
    # The same process may have used another network before.
    keras.backend.clear_session()
    shard = make_record(spec, FeatureShard, "the description of the job")
    job = shard.job
    own = settle_features(job, progress)
    paths = {view: build_feature_path(job.folder, job.record, view, own) for view in shard.views}
    with lock_features(job.folder, list(paths.values()), f"{job.member}: frozen features", progress, shard.rows):
        _compute_features(job, paths, own, progress, shard.rows)
    return {}


def settle_features(job: TrainingJob, progress: Progress) -> tuple[str, ...]:
    """Choose the precision of a member's features if it is not chosen yet.

    Returns
    -------
    tuple of str
        Preprocessing and hash of the weights of a custom backbone, empty for others; see :func:`.build_feature_path`.
    """
    own = _identify_weights(job)
    # Always float32, because the runtime chooses the precision.
    with use_precision("float32"):
        settle_precision(
            job, own, lambda: make_competition_photos(job, progress), lambda: _load_or_build(job, save=False), progress
        )
    return own


def read_feature_precision(job: TrainingJob) -> RuntimePrecision:
    """Return the precision in which the stored features of a member were computed."""
    return read_precision(job.folder, job.record, _identify_weights(job))


def load_or_build_backbone(job: TrainingJob, *, save: bool = True) -> Any:
    """Load the backbone from ``backbone.keras``, or build it and save it there.

    Parameters
    ----------
    save
        Whether to save a new backbone.

    Raises
    ------
    BadData
        If the file does not match the heads of finished folds.
    """
    path = job.folder.backbone(job.member)
    if check_backbone(job.folder, job.record) or is_whole_zip(path):
        return keras.saving.load_model(path, compile=False)
    model = _build_frozen_backbone(job)
    if save:
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


def _identify_weights(job: TrainingJob) -> tuple[str, ...]:
    """Return what names the weights of a custom backbone, and nothing for others."""
    if not job.backbone.is_custom:
        return ()
    # A user's function may return other weights than before.
    return job.record.settings.preprocessing, compute_model_digest(_load_or_build(job, save=True))


def _load_or_build(job: TrainingJob, *, save: bool) -> Any:
    """Return the network of a member's features."""
    # The stored backbone belongs to a frozen member. A fine-tuned one changes it in every fold.
    return load_or_build_backbone(job, save=save) if job.record.settings.frozen else _build_frozen_backbone(job)


def _compute_features(
    job: TrainingJob,
    paths: dict[View, Path],
    own: Sequence[str],
    progress: Progress,
    rows: range | None = None,
    clock: BatchClock | None = None,
) -> None:
    """Compute missing features, and write the complete files. With ``rows``, write only parts with these rows."""
    precision = read_precision(job.folder, job.record, own)
    photos = make_competition_photos(job, progress)
    total = len(photos)
    parts = {view: FeatureParts(path, total, progress) for view, path in paths.items() if not path.is_file()}
    if any(not part.known[_slice(rows)].all() for part in parts.values()):
        remove_unfinished(job.folder.features)
        # Always float32, because members of another precision share the features.
        with use_precision("float32"):
            runtime = choose_runtime(precision, job.runtime)
            _compute_rows(job, parts, photos, runtime, progress, rows, clock or BatchClock())
    for part in parts.values():
        if rows is None:
            part.finish()
        else:
            part.write()
    if rows is None and precision == "float32":
        # Complete files in float32 are decision enough.
        remove_file(locate_decision(job.folder, job.record, own))


def _slice(rows: range | None) -> slice:
    return slice(None) if rows is None else slice(rows.start, rows.stop)


def _compute_rows(
    job: TrainingJob,
    parts: dict[View, FeatureParts],
    photos: CompetitionPhotos,
    runtime: RuntimeChoice,
    progress: Progress,
    rows: range | None,
    clock: BatchClock,
) -> None:
    """Compute the features of rows that some views lack."""
    settings, total, began = job.record.settings, len(photos), time.monotonic()
    model = _load_or_build(job, save=rows is None)
    known = np.array([part.known[_slice(rows)] for part in parts.values()])
    require_space(
        job.folder.features, 4 * int((~known).sum()) * int(model.output_shape[-1]), f"The features of {job.member}"
    )
    # The first job of a fine-tuned member does not count them as work, because no other job computes them.
    work = estimate_photo_work(job.backbone, settings.image_size) if settings.frozen or rows else 0
    networks = _PartNetworks(job, model, parts, total, runtime, progress)
    task = progress.start(f"{job.member}: frozen features", known.size, photos=1, work=work)
    task.advance(int(known.sum()))
    wanted = np.flatnonzero(~known.all(axis=0)) + (rows.start if rows else 0)
    batches = iterate_pixel_batches(photos.select_photos(wanted), settings.batch_size)
    stoppable_batches = progress.iterate_until_stopped(batches, f"in the frozen features of {job.member}")
    try:
        for start, batch in zip(range(0, len(wanted), settings.batch_size), stoppable_batches, strict=True):
            batch_rows = wanted[start : start + len(batch)]
            for view, part in parts.items():
                # A survey may have computed one view of a photo and not another.
                fresh = ~part.known[batch_rows]
                if fresh.any():
                    with clock.time_batch(str(view)):
                        features = networks.predict_batch(view, batch[fresh])
                    part.add(batch_rows[fresh], features)
                    task.advance(int(fresh.sum()))
    except Interrupted:
        for part in parts.values():
            part.write()
        raise
    task.finish()
    progress.emit(FeaturesMade(job.member, len(wanted), len(parts), round(time.monotonic() - began, 3)))


class _PartNetworks:
    """The network of each view. All jobs that compute rows of one file use the runtime that the first one chose."""

    def __init__(
        self,
        job: TrainingJob,
        model: Any,
        parts: dict[View, FeatureParts],
        photos: int,
        runtime: RuntimeChoice,
        progress: Progress,
    ) -> None:
        self._job = job
        self._model = model
        self._parts = parts
        self._photos = photos
        self._runtime = runtime
        self._progress = progress
        self._predictors: dict[View, Predictor] = {}

    def predict_batch(self, view: View, batch: Pixels) -> NDArray[np.float32]:
        """Return the features of a batch of at most the member's batch size, shape (photos, width)."""
        if view in self._predictors:
            return self._predictors[view].predict_batch(batch, self._photos)
        part, job = self._parts[view], self._job
        work, what = f"features-{part.path.stem}.runtime", f"{job.member}: choice of the runtime"
        with wait_for_lock(job.folder, work, what, self._progress):
            chosen = part.load_runtime()
            predictor = Predictor(
                add_view(self._model, view),
                job.record.settings.batch_size,
                job.member,
                chosen or self._runtime,
                self._progress,
                # One measurement, and so one choice, for all views.
                speed_of=self._model,
            )
            features = predictor.predict_batch(batch, self._photos)
            if chosen is None:
                part.save_runtime(predictor.runtime)
        self._predictors[view] = predictor
        return features
