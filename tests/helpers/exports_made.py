"""Small networks as stacks have them, and cards of their exports."""

from __future__ import annotations

from typing import Any

import numpy as np

from ensembler.exports.card import ExportCard, Figures
from ensembler.exports.formats import FormatName, Quantization
from ensembler.stacking.card import StackCard

SIZES = (8, 12)


def make_card(
    format: FormatName = "onnx",  # noqa: A002 - the field's name
    quantization: Quantization = "none",
    *,
    single_photo: bool = False,
    sizes: tuple[int, ...] = SIZES,
) -> ExportCard:
    network = StackCard("first", "multiclass", ("a", "b", "c"), (), ("a", "b", "c"), (), sizes)
    inputs = tuple(f"pixels_{size}" for size in sizes)
    versions = {"keras": "3.15.1"}
    return ExportCard(
        format, quantization, single_photo, network, inputs, "probabilities", "log loss", "0af3", versions
    )


def make_figures(log_loss: float | None = 0.1, difference: float = 0.0) -> Figures:
    return Figures(1.5, log_loss, 2.0, 1.0, difference)


def build_network(sizes: tuple[int, ...] = SIZES, backbone: str = "demo-conv") -> Any:
    """Random networks of each size, with heads, under the mean of their log-odds."""
    import keras

    from ensembler.backbones.jobs.build import build_backbone
    from ensembler.backbones.registry import find_backbone

    keras.utils.set_random_seed(0)
    inputs = [keras.Input((size, size, 3), name=f"pixels_{size}") for size in sizes]
    outputs = []
    for pixels, size in zip(inputs, sizes, strict=True):
        network = build_backbone(find_backbone(backbone), size, "none", size)
        network.name = f"{backbone}-{size}"
        features = network(pixels)
        # Predictions that depend on the photo, and are not all certain.
        scale = 0.05 if backbone.startswith("demo") else 1.0
        logits = keras.layers.Dense(3)(keras.layers.Rescaling(scale)(features))
        outputs.append(keras.layers.Activation("softmax")(logits))
    joined = keras.layers.Concatenate()(outputs) if len(outputs) > 1 else outputs[0]
    odds = keras.ops.log(keras.ops.clip(joined, 1e-7, 1.0))
    return keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(odds), name="stack")


def make_pixels(sizes: tuple[int, ...] = SIZES, photos: int = 5) -> list[np.ndarray]:
    generator = np.random.default_rng(1)
    return [generator.integers(0, 256, (photos, size, size, 3)).astype(np.uint8) for size in sizes]


def predict_by_keras(model: Any, pixels: list[np.ndarray]) -> np.ndarray:
    floats = [array.astype(np.float32) for array in pixels]
    return np.asarray(model(floats if len(floats) > 1 else floats[0], training=False))
