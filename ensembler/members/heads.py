"""Heads: from pooled features to probabilities."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray


def build_head(kernel: NDArray[np.float32], bias: NDArray[np.float32], *, exclusive: bool, name: str = "head") -> Any:
    """Make a Keras head of a linear one.

    Parameters
    ----------
    kernel, bias
        Weights of shape (width, outputs) and (outputs,).
    exclusive
        Softmax over the outputs instead of a sigmoid for each.
    name
        Of the model.
    """
    features = keras.Input((kernel.shape[0],), name="features")
    activation = "softmax" if exclusive else "sigmoid"
    # float32 whatever the policy: probabilities near 0 and 1 decide the log loss.
    dense = layers.Dense(kernel.shape[1], activation=activation, name="probabilities", dtype="float32")
    model = keras.Model(features, dense(features), name=name)
    dense.set_weights([kernel, bias])
    return model
