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
    """Make a Keras head of given weights.

    Parameters
    ----------
    kernel, bias
        Of the last layer: shapes (width, outputs) and (outputs,).
    multiclass
        Softmax over the outputs instead of a sigmoid for each.
    hidden
        Weights of dense layers before it, rectified.
    dropout
        Share of what enters each dense layer that is dropped in training.
    name
        Of the model.
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
    """Make a head that knows nothing yet but how common each class is.

    Parameters
    ----------
    width
        Of the features.
    shares
        Of each output among the rows to learn from; their log-odds are the bias, so that the first loss is about the
        prior's.
    seed
        Of the kernels, which are drawn as Glorot & Bengio do (Understanding the difficulty of training deep
        feedforward neural networks, 2010).
    hidden
        Units of a dense layer in between; 0 for none.
    """
    rng = np.random.default_rng(seed)
    layers_before = [(_draw_glorot(rng, width, hidden), np.zeros(hidden, np.float32))] if hidden else []
    kernel = _draw_glorot(rng, hidden or width, len(shares))
    bias = compute_link(shares, multiclass=multiclass)
    return build_head(kernel, bias.astype(np.float32), multiclass=multiclass, hidden=layers_before, dropout=dropout)


def _draw_glorot(rng: np.random.Generator, inputs: int, outputs: int) -> NDArray[np.float32]:
    limit = np.sqrt(6 / (inputs + outputs))
    return rng.uniform(-limit, limit, (inputs, outputs)).astype(np.float32)
