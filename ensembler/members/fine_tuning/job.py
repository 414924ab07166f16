"""The job of a fine-tuned member: for each fold the head on frozen features, then the whole network."""

from __future__ import annotations

import time
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ...competition.tables import prior
from ...images.batches import pixel_batches, steps, training_batches
from ...progress import Progress, Task
from ...storage import whole_file
from ..assignment import Assignment
from ..features import frozen_features
from ..frozen import fit_head
from ..heads import build_head
from ..inference import join, predict
from ..network import build_backbone
from ..records import save_fold
from .unfreezing import freeze_batch_norm

# Share of the steps in which the learning rate rises to its highest; then it falls to nothing along a cosine.
WARM_UP = 0.1


def fine_tune(told: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Fine-tune the folds named in ``told``; see :class:`Assignment`."""
    assignment = Assignment.from_json(told)
    for fold in assignment.folds:
        _fine_tune_fold(assignment, fold, progress)
        keras.backend.clear_session()
    return {}


def _fine_tune_fold(assignment: Assignment, fold: int, progress: Progress) -> None:
    began = time.monotonic()
    model = _starting_network(assignment, fold, progress)
    history = _fit(model, assignment, fold, progress)
    held_out, test = _predict(model, assignment, fold, progress)
    model.trainable = False
    _, backbone, head = model.layers
    with whole_file(assignment.folder.fold(assignment.member, fold) / "model.keras") as temporary:
        # A model without optimizer: half the size, and nothing to recompile.
        join(backbone, head, assignment.member).save(temporary)
    predictions, score = assignment.predictions(fold, held_out, test)
    history[-1]["held_out_log_loss"] = score
    seconds = time.monotonic() - began
    save_fold(assignment.folder, assignment.record, fold, predictions, history, score, seconds)


def _starting_network(assignment: Assignment, fold: int, progress: Progress) -> Any:
    """Build the network as fine-tuning finds it: pretrained with a fitted head, or random with the prior as bias."""
    settings = assignment.record.settings
    pretrained = settings.weights != "none"
    # Each fold of a random network starts from numbers of its own, which makes their mean better.
    seed = settings.seed if pretrained else settings.seed + fold
    backbone = build_backbone(assignment.backbone, settings.image_size, assignment.weights_source, seed)
    if pretrained:
        features, _ = frozen_features(assignment, progress)
        fitted = fit_head(assignment, fold, features)
        kernel, bias = fitted.kernel_, fitted.bias_
    else:
        seen = prior(assignment.tables.targets[assignment.fold_of_row != fold])
        kernel, bias = _random_head(int(backbone.output_shape[-1]), seen, seed, exclusive=assignment.exclusive)
    if settings.phases[0].batch_norm == "frozen":
        freeze_batch_norm(backbone)
    keras.utils.set_random_seed(settings.seed + fold)
    return join(backbone, build_head(kernel, bias, exclusive=assignment.exclusive), assignment.member)


def _random_head(
    width: int, shares: NDArray[np.float64], seed: int, *, exclusive: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Glorot's uniform weights, and the log-odds of the shares as bias: the first loss is about the prior's."""
    limit = np.sqrt(6 / (width + len(shares)))
    kernel = np.random.default_rng(seed).uniform(-limit, limit, (width, len(shares)))
    bias = np.log(shares) if exclusive else np.log(shares / (1 - shares))
    return kernel.astype(np.float32), bias.astype(np.float32)


def _fit(model: Any, assignment: Assignment, fold: int, progress: Progress) -> list[dict[str, Any]]:
    settings, tables = assignment.record.settings, assignment.tables
    rows = np.flatnonzero(assignment.fold_of_row != fold)
    paths = tables.train_paths
    per_epoch = steps(len(rows), settings.batch_size)
    phase = settings.phases[0]
    total = per_epoch * phase.epochs
    model.compile(
        optimizer=keras.optimizers.Adam(_schedule(phase.learning_rate, total)),
        # One output is the binary log loss; several independent ones their mean; softmax the categorical one.
        loss="categorical_crossentropy" if assignment.exclusive else "binary_crossentropy",
        jit_compile=_on_gpu(),
    )
    batches = training_batches(
        [paths[row] for row in rows],
        tables.targets[rows],
        settings.image_size,
        settings.batch_size,
        settings.seed + fold,
    )
    watcher = _Watcher(progress.start(f"{assignment.member}: fine-tune fold {fold}", total))
    model.fit(
        batches,
        steps_per_epoch=per_epoch,
        epochs=phase.epochs,
        verbose=0,
        callbacks=[watcher],
        shuffle=False,
    )
    return [
        {"phase": "all", "epoch": epoch + 1, "training_log_loss": loss, "held_out_log_loss": ""}
        for epoch, loss in enumerate(model.history.history["loss"])
    ]


def _schedule(highest: float, total: int) -> Any:
    warm_up = max(1, round(WARM_UP * total))
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=highest / 10,
        decay_steps=max(1, total - warm_up),
        warmup_target=highest,
        warmup_steps=warm_up,
    )


def _on_gpu() -> bool:
    """XLA pays on GPUs; on CPUs it takes the place of faster oneDNN kernels and compiles for minutes."""
    return any("gpu" in str(device).lower() for device in keras.distribution.list_devices())


class _Watcher(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """Tells each step."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.task = task

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        del batch, logs
        self.task.advance()

    def on_train_end(self, logs: Any = None) -> None:
        del logs
        self.task.finish()


def _predict(
    model: Any, assignment: Assignment, fold: int, progress: Progress
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Probabilities for the held-out and the readable test photos."""
    settings, tables = assignment.record.settings, assignment.tables
    held_out = np.flatnonzero(assignment.fold_of_row == fold)
    train_paths = tables.train_paths
    paths = [train_paths[row] for row in held_out] + tables.test_paths
    task = progress.start(f"{assignment.member}: predict fold {fold}", len(paths))
    batches = pixel_batches(paths, settings.image_size, settings.batch_size)
    probabilities = predict(model, batches, len(paths), settings.batch_size, task)
    return probabilities[: len(held_out)], probabilities[len(held_out) :]
