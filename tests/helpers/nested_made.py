"""Small nested networks like a stack: members of folds and views with convolutional backbones inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers

from ensembler.backbones.jobs.views import apply_view, average_tensors
from ensembler.heads.jobs.keras_heads import build_head
from ensembler.images.views import VIEWS, Views
from ensembler.stacking.blend import Blend
from ensembler.stacking.jobs.keras_stack import assemble
from ensembler.stacking.networks import Network

SIZE = 16


def make_backbone(seed: int, channels: int = 6) -> Any:
    """Two convolutions with a step in between, then the mean over positions."""
    keras.utils.set_random_seed(seed)
    pixels = keras.Input((SIZE, SIZE, 3))
    flow = layers.Rescaling(1 / 127.5, offset=-1.0)(pixels)
    flow = layers.Conv2D(channels, 3, padding="same", activation="relu", name="first")(flow)
    flow = layers.Conv2D(channels, 3, strides=2, padding="same", activation="relu", name="last")(flow)
    return keras.Model(pixels, layers.GlobalAveragePooling2D()(flow), name=f"backbone_{seed}")


def make_fold(backbone: Any, seed: int, outputs: int = 1, scale: float = 3.0) -> tuple[Any, np.ndarray]:
    """A head on a backbone's features; its kernel is returned too."""
    random = np.random.default_rng(seed)
    kernel = (random.normal(size=(backbone.output_shape[-1], outputs)) * scale).astype("f4")
    bias = random.normal(size=outputs).astype("f4") / 10
    return build_head(kernel, bias, multiclass=outputs > 1, name=f"fold_{seed}"), kernel


def make_member(
    name: str, seed: int, *, views: Views = "flip", outputs: int = 1, scale: float = 3.0, folds: Sequence[int] = (0, 1)
) -> Any:
    """A member of folds that share a backbone, averaged over views."""
    pixels = keras.Input((SIZE, SIZE, 3), name="pixels")
    backbone = make_backbone(seed)
    features = [backbone(apply_view(pixels, view)) for view in VIEWS[views]]
    heads = [make_fold(backbone, fold, outputs, scale)[0] for fold in folds]
    outputs_of_all = [head(each) for head in heads for each in features]
    return keras.Model(pixels, average_tensors(outputs_of_all), name=name)


def make_stack(members: list[Any], outputs: int = 1, weights: tuple[float, ...] = (0.7, 0.4)) -> Any:
    """A stack with a linear meta-learner."""
    network = Network(np.array(weights[: len(members)]), np.zeros(outputs))
    return assemble(members, Blend(outputs > 1, (network,)))


def make_mixed_stack() -> Any:
    """A stack of a small member and one of a family of Keras, with inputs of two sizes."""
    keras.utils.set_random_seed(7)
    family = keras.applications.MobileNetV2((32, 32, 3), alpha=0.35, include_top=False, pooling="avg", weights=None)
    pixels = keras.Input((32, 32, 3), name="pixels")
    flow = layers.Rescaling(1 / 127.5, offset=-1.0)(pixels)
    large = keras.Model(pixels, make_fold(family, 3)[0](family(flow)), name="large")
    return make_stack([make_member("small", 1), large])


def make_pixels(photos: int = 3, seed: int = 5) -> np.ndarray:
    """Smooth random photos."""
    coarse = np.random.default_rng(seed).integers(0, 256, (photos, 4, 4, 3))
    return np.kron(coarse, np.ones((1, SIZE // 4, SIZE // 4, 1))).astype(np.uint8)
