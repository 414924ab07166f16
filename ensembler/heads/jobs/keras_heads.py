"""Heads as Keras networks: from pooled features to probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from ..links import compute_link

# Kernel of shape (inputs, units) and bias of shape (units,).
Dense = tuple[NDArray[np.float32], NDArray[np.float32]]


def build_head(
    kernel: NDArray[np.float32],
    bias: NDArray[np.float32],
    *,
    multiclass: bool,
    hidden: Sequence[Dense] = (),
    dropout: float = 0.0,
    name: str = "head",
) -> Any:
    """Build a Keras head from given weights.

    Parameters
    ----------
    kernel, bias
        Weights of the last layer, shapes (width, outputs) and (outputs,).
    multiclass
        Whether the outputs are exclusive classes (softmax) rather than independent (sigmoid).
    hidden
        Weights of the rectified dense layers before the last layer.
    dropout
        Share of the inputs of each dense layer that training drops.
    name
        Name of the model.
    """
    weights = [*hidden, (kernel, bias)]
    dense = [
        layers.Dense(len(hidden_bias), activation="relu", name=f"hidden_{number}")
        for number, (_, hidden_bias) in enumerate(hidden)
    ]
    activation = "softmax" if multiclass else "sigmoid"
    # Always float32, because log loss depends on the digits of probabilities near 0 and 1.
    dense.append(layers.Dense(len(bias), activation=activation, name="probabilities", dtype="float32"))
    features = flow = keras.Input((len(weights[0][0]),), name="features")
    for number, layer in enumerate(dense):
        if dropout:
            flow = layers.Dropout(dropout, name=f"dropout_{number}")(flow)
        flow = layer(flow)
    model = keras.Model(features, flow, name=name)
    for layer, given in zip(dense, weights, strict=True):
        layer.set_weights(list(given))
    return model


def build_random_head(
    width: int, shares: NDArray[np.float64], seed: int, *, multiclass: bool, hidden: int = 0, dropout: float = 0.0
) -> Any:
    """Build a head with random kernels, whose first predictions are near the prior of each class.

    Parameters
    ----------
    width
        Number of features.
    shares
        Share of each output in the training rows. The bias is its log-odds.
    seed
        Seed of the kernels, whose distribution is that of Glorot & Bengio (Understanding the difficulty of training
        deep feedforward neural networks, 2010).
    hidden
        Number of units of a hidden layer. 0 omits the layer.
    """
    rng = np.random.default_rng(seed)
    layers_before = [(_draw_glorot(rng, width, hidden), np.zeros(hidden, np.float32))] if hidden else []
    kernel = _draw_glorot(rng, hidden or width, len(shares))
    bias = compute_link(shares, multiclass=multiclass)
    return build_head(kernel, bias.astype(np.float32), multiclass=multiclass, hidden=layers_before, dropout=dropout)


def _draw_glorot(rng: np.random.Generator, inputs: int, outputs: int) -> NDArray[np.float32]:
    limit = np.sqrt(6 / (inputs + outputs))
    return rng.uniform(-limit, limit, (inputs, outputs)).astype(np.float32)
