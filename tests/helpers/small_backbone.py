"""Small convolutional backbones, whose folds are jobs of their own."""

from __future__ import annotations

from typing import Any


def build(input_shape: tuple[int, int, int], weights: object = None, **_: Any) -> Any:
    """Build a backbone of three convolutions."""
    return _build(input_shape, 8)


def build_wide(input_shape: tuple[int, int, int], weights: object = None, **_: Any) -> Any:
    """Build a backbone with twice as many channels."""
    return _build(input_shape, 16)


def _build(input_shape: tuple[int, int, int], channels: int) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input(input_shape)
    outputs = inputs
    for factor in (1, 2, 4):
        outputs = layers.Conv2D(factor * channels, 3, strides=2, padding="same", use_bias=False)(outputs)
        outputs = layers.BatchNormalization()(outputs)
        outputs = layers.Activation("relu")(outputs)
    return keras.Model(inputs, outputs)
