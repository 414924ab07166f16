"""Three small networks for photos of 8 x 8 pixels, trained from scratch in seconds, for the demo and the tests.

They accept the arguments of the builders of ``keras.applications`` and return a model without its top.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers


def dense_network(input_shape: tuple[int, int, int], **_: Any) -> Any:
    """Build a network of one hidden dense layer over all pixels."""
    pixels = keras.Input(input_shape)
    hidden = layers.Dense(128, activation="relu")(layers.Flatten()(pixels))
    # Shape (1, 1, 128), because the pooling layer expects feature maps.
    return keras.Model(pixels, layers.Reshape((1, 1, 128))(hidden), name="dense_network")


def conv_network(input_shape: tuple[int, int, int], **_: Any) -> Any:
    """Build a network of two convolutions with pooling in between, then one that covers the remaining map."""
    pixels = keras.Input(input_shape)
    flow = layers.Conv2D(24, 3, padding="same", activation="relu")(pixels)
    flow = layers.MaxPooling2D()(flow)
    flow = layers.Conv2D(48, 3, padding="same", activation="relu")(flow)
    flow = layers.Conv2D(96, flow.shape[1], activation="relu")(flow)
    return keras.Model(pixels, flow, name="conv_network")


def separable_network(input_shape: tuple[int, int, int], **_: Any) -> Any:
    """Build a network of depthwise separable convolutions with one residual connection."""
    pixels = keras.Input(input_shape)
    flow = layers.Conv2D(32, 3, padding="same", activation="relu")(pixels)
    inner = layers.SeparableConv2D(32, 3, padding="same", activation="relu")(flow)
    flow = layers.MaxPooling2D()(layers.add([flow, inner]))
    flow = layers.SeparableConv2D(96, flow.shape[1], activation="relu")(flow)
    return keras.Model(pixels, flow, name="separable_network")
