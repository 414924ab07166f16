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
        Softmax over the outputs instead of a sigmoid for each.
    hidden
        Weights of the rectified dense layers before it.
    dropout
        Share of the inputs of each dense layer that is dropped in training.
    name
        Name of the model.
    """
    dense_weights = [*hidden, (kernel, bias)]
    features = flow = keras.Input((dense_weights[0][0].shape[0],), name="features")
    dense = []
    for number, (weights, _) in enumerate(dense_weights):
        if dropout:
            flow = layers.Dropout(dropout, name=f"dropout_{number}")(flow)
        dense.append(
            _build_dense(weights.shape[1], number, last=number == len(dense_weights) - 1, multiclass=multiclass)
        )
        flow = dense[-1](flow)
    model = keras.Model(features, flow, name=name)
    for layer, given in zip(dense, dense_weights, strict=True):
        layer.set_weights(list(given))
    return model


def _build_dense(units: int, number: int, *, last: bool, multiclass: bool) -> Any:
    if not last:
        return layers.Dense(units, activation="relu", name=f"hidden_{number}")
    # float32 whatever the policy: probabilities near 0 and 1 decide the log loss.
    activation = "softmax" if multiclass else "sigmoid"
    return layers.Dense(units, activation=activation, name="probabilities", dtype="float32")


def build_random_head(
    width: int, shares: NDArray[np.float64], seed: int, *, multiclass: bool, hidden: int = 0, dropout: float = 0.0
) -> Any:
    """Build a head with random kernels, whose bias is the prior of each class.

    Parameters
    ----------
    width
        Number of features.
    shares
        Share of each output in the training rows; its log-odds are the bias, so that the first loss is about that of
        the prior.
    seed
        Seed of the kernels, which are drawn as by Glorot & Bengio (Understanding the difficulty of training deep
        feedforward neural networks, 2010).
    hidden
        Units of a hidden layer; 0 for none.
    """
    rng = np.random.default_rng(seed)
    layers_before = [(_draw_glorot(rng, width, hidden), np.zeros(hidden, np.float32))] if hidden else []
    kernel = _draw_glorot(rng, hidden or width, len(shares))
    bias = compute_link(shares, multiclass=multiclass)
    return build_head(kernel, bias.astype(np.float32), multiclass=multiclass, hidden=layers_before, dropout=dropout)


def _draw_glorot(rng: np.random.Generator, inputs: int, outputs: int) -> NDArray[np.float32]:
    limit = np.sqrt(6 / (inputs + outputs))
    return rng.uniform(-limit, limit, (inputs, outputs)).astype(np.float32)
