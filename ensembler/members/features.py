"""Frozen features: each view of a photo goes through each backbone once; all folds and later runs share the result."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ..events import FeaturesMade
from ..images.batches import pixel_batches
from ..images.views import View
from ..progress import Progress
from ..storage import fingerprint, require_space, whole_file
from .assignment import Assignment
from .inference import predict_each
from .network import build_backbone, model_digest
from .view_networks import through_view
from .work import photo_work

# Of each view: features of the training photos and of the readable test photos, shape (photos, width) each.
Features = dict[View, tuple[NDArray[np.float32], NDArray[np.float32]]]


def frozen_features(assignment: Assignment, views: Sequence[View], progress: Progress) -> Features:
    """Return the features of all photos as each view shows them.

    They are read from the cache where they lie, else computed, each photo being decoded once, and stored there.

    Raises
    ------
    UnreadablePhoto
        If a photo has become unreadable since it was looked at.
    StorageError
        If there is no room for them.
    """
    paths = {view: _cache_file(assignment, view) for view in views}
    missing = {view: path for view, path in paths.items() if not path.is_file()}
    if missing:
        _compute(assignment, missing, progress)
    training = len(assignment.tables.train)
    stored = {view: np.load(path, mmap_mode="r", allow_pickle=False) for view, path in paths.items()}
    return {view: (features[:training], features[training:]) for view, features in stored.items()}


def keep_backbone(assignment: Assignment) -> Any:
    """Return the backbone, from ``backbone.keras`` if it is there, else built and saved there."""
    path = assignment.folder.member(assignment.member) / "backbone.keras"
    if path.is_file():
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
    settings, record = assignment.record.settings, assignment.record
    key: list[Any] = [settings.backbone, settings.weights, settings.image_size, record.samples, settings.pooling]
    if settings.weights == "none":
        key.append(settings.seed)
    if assignment.backbone.own:
        # A function of a person's own may bring other weights than it did the last time.
        key += [settings.preprocessing, model_digest(_build(assignment))]
    name = f"{settings.backbone}-{settings.image_size}{view}-{fingerprint(key)}.npy"
    return assignment.folder.features / name


def _compute(assignment: Assignment, missing: dict[View, Path], progress: Progress) -> None:
    settings, tables = assignment.record.settings, assignment.tables
    # Only a frozen member is made of this backbone; a fine-tuned one will have changed it in every fold.
    model = keep_backbone(assignment) if settings.frozen else _build(assignment)
    paths = tables.train_paths + tables.test_paths
    room = 4 * len(missing) * len(paths) * int(model.output_shape[-1])
    require_space(assignment.folder.features, room, f"The features of {assignment.member}")
    # Fine-tuning plans without them, since only its first job computes them.
    work = photo_work(assignment.backbone, settings.image_size) if settings.frozen else 0
    began = time.monotonic()
    task = progress.start_photos(f"{assignment.member}: frozen features", len(missing) * len(paths), work=work)
    batches = pixel_batches(paths, settings.image_size, settings.batch_size)
    networks = [through_view(model, view) for view in missing]
    results = predict_each(networks, batches, len(paths), settings.batch_size, task)
    for path, features in zip(missing.values(), results, strict=True):
        with whole_file(path) as temporary:
            np.save(temporary, features)
    progress.tell(FeaturesMade(assignment.member, len(paths), len(missing), round(time.monotonic() - began, 3)))
