"""Trainings of a small network on rows made up here, without files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from helpers.members_made import SETTINGS
from helpers.photos import Heard
from keras import layers, ops

from ensembler.backbones.jobs.build import build_backbone
from ensembler.backbones.registry import find_backbone
from ensembler.heads.jobs.keras_heads import build_head
from ensembler.inference.jobs.networks import join_head
from ensembler.members.fine_tuning.fold_task import FoldTask
from ensembler.members.fine_tuning.jobs.devices import Devices
from ensembler.members.fine_tuning.jobs.trainer import Trainer
from ensembler.options.phases import Phase
from ensembler.options.settings import MemberSettings

RANDOM = np.random.default_rng(0)
PIXELS = RANDOM.integers(0, 256, (40, 8, 8, 3)).astype(np.uint8)
TARGETS = (PIXELS.mean(axis=(1, 2, 3)) > 127).astype("f4")[:, None]
BATCH = 16
TRAINED = Phase("all", 3, 0.01, "train")


class Photos:
    """What :class:`TrainingPhotos` gives, without files; a batch larger than ``most`` does not fit into memory."""

    def __init__(self, most: int = 1000) -> None:
        self.most = most

    def __len__(self) -> int:
        return len(TARGETS)

    def start_loading(self, augmentation: str) -> None:
        """Do nothing: these photos need no processes."""
        assert augmentation == "none"

    def iterate_epoch(
        self,
        number: int,
        *,
        batch_size: int,
        seed: int,
        augmentation: str,
        accumulation_steps: int,
        first_batch: int = 0,
    ) -> Iterator[Any]:
        assert augmentation == "none"
        if batch_size // accumulation_steps > self.most:
            raise MemoryError("RESOURCE_EXHAUSTED: out of memory while trying to allocate")
        order = np.random.default_rng([seed, number]).permutation(40)
        order = np.concatenate([order, order[:8]])  # fills the last batch
        weights = np.repeat(np.array([1, 0], "f4"), [40, 8])
        for start in range(first_batch * batch_size, 48, batch_size // accumulation_steps):
            part = slice(start, start + batch_size // accumulation_steps)
            yield PIXELS[order[part]], TARGETS[order[part]], weights[part]


def network() -> Any:
    backbone = build_backbone(find_backbone("demo-conv"), 8, "none", 0)
    kernel = np.random.default_rng(1).normal(size=(backbone.output_shape[-1], 1)).astype("f4") / 10
    return join_head(backbone, build_head(kernel, np.zeros(1, "f4"), multiclass=False), "member")


def log_loss_of(model: Any) -> dict[str, float]:
    probabilities = np.clip(model(PIXELS[:20].astype("f4"), training=False), 1e-7, 1 - 1e-7)
    labels = TARGETS[:20]
    return {"held_out": float(-np.mean(labels * np.log(probabilities) + (1 - labels) * np.log(1 - probabilities)))}


def lesson(
    build: Callable[[], Any] = network,
    evaluate: Callable[[Any], dict[str, float]] = log_loss_of,
    most: int = 1000,
    **changes: Any,
) -> FoldTask:
    settings: MemberSettings = replace(SETTINGS, **{"batch_size": BATCH, "phases": (TRAINED,), **changes})
    return FoldTask("m, fold 0", settings, False, Photos(most), TARGETS, 7, build, evaluate)  # type: ignore[arg-type]


def trained(heard: Heard | None = None, **changes: Any) -> tuple[Trainer, Any]:
    progress = heard or Heard()
    training = Trainer(lesson(**changes), Devices(data_parallel=False, batch_size=BATCH, progress=progress), progress)
    return training, training.run()


def far_apart(one: Any, two: Any) -> float:
    return max(float(np.abs(a - b).max()) for a, b in zip(one.get_weights(), two.get_weights(), strict=True))


def troubled(**trouble: Any) -> Callable[[], Any]:
    def build() -> Any:
        plain = network()
        _, backbone, head = plain.layers
        pixels = keras.Input((8, 8, 3))
        hurt = keras.Model(pixels, Trouble(**trouble)(backbone(pixels)), name=backbone.name)
        return join_head(hurt, head, "member")

    return build


@keras.saving.register_keras_serializable("tests")
class Trouble(layers.Layer):  # type: ignore[misc]  # Keras is untyped
    """Passes its input on; a large batch takes more memory than there is, and 16 bits give no numbers."""

    def __init__(self, most: int = 1000, *, numbers: Callable[[str], bool] = lambda _: True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.most = most
        self.numbers = numbers

    def call(self, flow: Any, training: bool = False) -> Any:
        if not training:
            return flow
        size = ops.where(ops.shape(flow)[0] > self.most, 2**30, 1)
        huge = ops.cast(ops.broadcast_to(ops.ones((1, 1)), (size, 2**12)), "float32")
        broken = 1.0 if self.numbers(self.compute_dtype) else float("nan")
        return flow * ops.cast(broken * ops.max(huge + ops.sum(ops.cast(flow, "float32")) * 0), flow.dtype)
