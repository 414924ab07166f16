"""Frozen features: each view of a photo goes through each backbone once; all folds and later runs share the result."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ....backbones.jobs.build import build_backbone, model_digest
from ....backbones.jobs.precision import built_in
from ....backbones.jobs.views import through_view
from ....errors import Interrupted
from ....events import FeaturesMade
from ....images.batches import pixel_batches
from ....images.views import View
from ....inference.jobs.predictor import Predictor
from ....progress import Progress
from ....storage import is_whole_zip, require_space, sweep, whole_file
from ...competition_photos import photos_of
from ...job_locks import turn
from ...records import check_backbone
from ...training_job import Assignment
from ...work import photo_work
from ..files import feature_file
from ..parts import FeatureParts

# Of each view: features of the training photos and of the readable test photos, shape (photos, width) each.
Features = dict[View, tuple[NDArray[np.float32], NDArray[np.float32]]]


def frozen_features(assignment: Assignment, views: Sequence[View], progress: Progress) -> Features:
    """Return the features of all photos as each view shows them.

    They are read from the cache where they lie, else computed, each photo being decoded once, and stored there. What a
    run that was cut off had computed is not computed again.

    Raises
    ------
    UnreadablePhoto
        If a photo has become unreadable since it was looked at.
    StorageError
        If there is no room for them.
    """
    paths = {view: _cache_file(assignment, view) for view in views}
    if not all(path.is_file() for path in paths.values()):
        what = f"{assignment.member}: frozen features"
        with turn(assignment.folder, f"features-{assignment.record.settings.backbone}", what, progress):
            # Another job may have computed them while this one waited.
            missing = {view: path for view, path in paths.items() if not path.is_file()}
            if missing:
                sweep(assignment.folder.features)
                # Whatever a network is to learn in: members of another precision share them.
                with built_in("float32"):
                    _compute(assignment, missing, progress)
    training = len(assignment.tables.train)
    stored = {view: np.load(path, mmap_mode="r", allow_pickle=False) for view, path in paths.items()}
    return {view: (features[:training], features[training:]) for view, features in stored.items()}


def keep_backbone(assignment: Assignment) -> Any:
    """Return the backbone, from ``backbone.keras`` if it is there, else built and saved there.

    Raises
    ------
    BadData
        If it is not that which the heads of finished folds belong to.
    """
    path = assignment.folder.backbone(assignment.member)
    if check_backbone(assignment.folder, assignment.record) or is_whole_zip(path):
        return keras.saving.load_model(path, compile=False)
    model = _build(assignment)
    with whole_file(path) as temporary:
        model.save(temporary)
    return model


def _build(assignment: Assignment) -> Any:
    settings = assignment.record.settings
    model = build_backbone(
        assignment.backbone, settings.image_size, assignment.weights_source, settings.seed, settings.pooling
    )
    model.trainable = False
    return model


def _cache_file(assignment: Assignment, view: View) -> Path:
    own: tuple[str, ...] = ()
    if assignment.backbone.own:
        # A function of a person's own may bring other weights than it did the last time.
        own = (assignment.record.settings.preprocessing, model_digest(_build(assignment)))
    return feature_file(assignment.folder, assignment.record, view, own)


def _compute(assignment: Assignment, missing: dict[View, Path], progress: Progress) -> None:
    settings = assignment.record.settings
    # Only a frozen member is made of this backbone; a fine-tuned one will have changed it in every fold.
    model = keep_backbone(assignment) if settings.frozen else _build(assignment)
    photos = photos_of(assignment, progress)
    paths = photos.paths
    room = 4 * len(missing) * len(paths) * int(model.output_shape[-1])
    require_space(assignment.folder.features, room, f"The features of {assignment.member}")
    # Fine-tuning plans without them, since only its first job computes them.
    work = photo_work(assignment.backbone, settings.image_size) if settings.frozen else 0
    began = time.monotonic()
    parts = {view: FeatureParts(path, len(paths), progress) for view, path in missing.items()}
    networks = {
        view: Predictor(through_view(model, view), settings.batch_size, assignment.member, assignment.runtime, progress)
        for view in missing
    }
    task = progress.start_photos(f"{assignment.member}: frozen features", len(missing) * len(paths), work=work)
    task.advance(int(sum(part.known.sum() for part in parts.values())))
    wanted = np.flatnonzero(~np.all([part.known for part in parts.values()], axis=0))
    batches = pixel_batches(photos.some(wanted), settings.batch_size)
    going_on = progress.until_stopped(batches, f"in the frozen features of {assignment.member}")
    try:
        for start, batch in zip(range(0, len(wanted), settings.batch_size), going_on, strict=True):
            rows = wanted[start : start + len(batch)]
            for view, part in parts.items():
                # One view may be known where another is not, of photos that a survey looked at.
                fresh = ~part.known[rows]
                if fresh.any():
                    part.add(rows[fresh], networks[view].answer(batch[fresh], len(paths)))
                    task.advance(int(fresh.sum()))
    except Interrupted:
        for part in parts.values():
            part.write()
        raise
    for part in parts.values():
        part.finish()
    task.finish()
    progress.tell(FeaturesMade(assignment.member, len(paths), len(missing), round(time.monotonic() - began, 3)))
