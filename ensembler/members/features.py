"""Frozen features: each view of a photo goes through each backbone once; all folds and later runs share the result."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ..images.batches import pixel_batches
from ..images.views import View
from ..progress import Progress
from ..storage import require_space, whole_file
from .assignment import Assignment
from .feature_files import feature_file
from .inference import predict_each
from .network import build_backbone, model_digest
from .view_networks import through_view

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
    # A function of a person's own may bring other weights than it did the last time.
    own = model_digest(_build(assignment)) if assignment.backbone.own else ""
    return feature_file(assignment.folder, assignment.record.settings, assignment.record.samples, view, own)


def _compute(assignment: Assignment, missing: dict[View, Path], progress: Progress) -> None:
    settings, tables = assignment.record.settings, assignment.tables
    # Only a frozen member is made of this backbone; a fine-tuned one will have changed it in every fold.
    model = keep_backbone(assignment) if settings.frozen else _build(assignment)
    paths = tables.train_paths + tables.test_paths
    room = 4 * len(missing) * len(paths) * int(model.output_shape[-1])
    require_space(assignment.folder.features, room, f"The features of {assignment.member}")
    task = progress.start(f"{assignment.member}: frozen features", len(missing) * len(paths))
    batches = pixel_batches(paths, settings.image_size, settings.batch_size)
    networks = [through_view(model, view) for view in missing]
    results = predict_each(networks, batches, len(paths), settings.batch_size, task)
    for path, features in zip(missing.values(), results, strict=True):
        with whole_file(path) as temporary:
            np.save(temporary, features)
