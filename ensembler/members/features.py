"""Frozen features: each photo goes through each backbone once; all folds and later runs share the result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..images.batches import pixel_batches
from ..progress import Progress
from ..storage import fingerprint, require_space, whole_file
from .assignment import Assignment
from .inference import predict
from .network import build_backbone


def frozen_features(assignment: Assignment, progress: Progress) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the features of the training photos and of the readable test photos, shape (photos, width) each.

    They are read from the cache where they lie, else computed and stored there.

    Raises
    ------
    UnreadablePhoto
        If a photo has become unreadable since it was looked at.
    StorageError
        If there is no room for them.
    """
    path = _cache_file(assignment)
    if not path.is_file():
        _compute(assignment, path, progress)
    stored = np.load(path, mmap_mode="r", allow_pickle=False)
    training = len(assignment.tables.train)
    return stored[:training], stored[training:]


def keep_backbone(assignment: Assignment) -> Any:
    """Return the backbone, from ``backbone.keras`` if it is there, else built and saved there."""
    import keras

    path = assignment.folder.member(assignment.member) / "backbone.keras"
    if path.is_file():
        return keras.saving.load_model(path, compile=False)
    model = _build(assignment)
    with whole_file(path) as temporary:
        model.save(temporary)
    return model


def _build(assignment: Assignment) -> Any:
    settings = assignment.record.settings
    model = build_backbone(assignment.backbone, settings.image_size, assignment.weights_source, settings.seed)
    model.trainable = False
    return model


def _cache_file(assignment: Assignment) -> Path:
    settings, record = assignment.record.settings, assignment.record
    key: list[Any] = [settings.backbone, settings.weights, settings.image_size, record.samples]
    if settings.weights == "none":
        key.append(settings.seed)
    name = f"{settings.backbone}-{settings.image_size}-{fingerprint(key)}.npy"
    return assignment.folder.features / name


def _compute(assignment: Assignment, path: Path, progress: Progress) -> None:
    settings, tables = assignment.record.settings, assignment.tables
    # Only a frozen member is made of this backbone; a fine-tuned one will have changed it in every fold.
    model = keep_backbone(assignment) if settings.frozen else _build(assignment)
    paths = tables.train_paths + tables.test_paths
    require_space(path.parent, 4 * len(paths) * int(model.output_shape[-1]), f"The features of {assignment.member}")
    task = progress.start(f"{assignment.member}: frozen features", len(paths))
    batches = pixel_batches(paths, settings.image_size, settings.batch_size)
    features = predict(model, batches, len(paths), settings.batch_size, task)
    with whole_file(path) as temporary:
        np.save(temporary, features)
