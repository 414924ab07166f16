"""Whole networks, from pixels to probabilities, and their predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ...backbones.jobs.devices import compile_for_prediction
from ...backbones.names import make_layer_name
from ...progress import Task

# Function from a batch of pixels to the network's outputs.
PredictBatch = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def join_head(backbone: Any, head: Any, name: str) -> Any:
    """Join a backbone and a head into a network from pixels to probabilities; ``name`` is the member's."""
    pixels = keras.Input(backbone.input_shape[1:], name="pixels")
    return keras.Model(pixels, head(backbone(pixels)), name=make_layer_name(name))


def predict(
    model: Any,
    batches: Iterable[NDArray[np.uint8]],
    rows: int,
    batch_size: int,
    task: Task,
    run: PredictBatch | None = None,
) -> NDArray[np.float32]:
    """Run a model over batches of pixels.

    Parameters
    ----------
    model
        Network with outputs of shape (batch, width).
    batches
        Arrays of at most ``batch_size`` photos, ``rows`` in all.
    rows, batch_size
        Total number of photos, and photos per batch.
    task
        Progress task, advanced by one per photo.
    run
        Function that runs the model. None runs it on Keras.

    Returns
    -------
    array of shape (rows, width)
        Outputs of the model.
    """
    run = run or partial(predict_batch, model, batch_size=batch_size)
    result, done = np.empty((rows, model.output_shape[-1]), np.float32), 0
    for batch in batches:
        result[done : done + len(batch)] = run(batch)
        task.advance(len(batch))
        done += len(batch)
    task.finish()
    return result


def predict_batch(model: Any, batch: NDArray[np.uint8], batch_size: int) -> NDArray[np.float32]:
    """Run a model over one batch of at most ``batch_size`` photos and return its outputs, shape (photos, width)."""
    compile_for_prediction(model)
    return np.asarray(model.predict_on_batch(pad_batch(batch, batch_size)), np.float32)[: len(batch)]


def pad_batch(batch: NDArray[np.uint8], batch_size: int) -> NDArray[np.uint8]:
    """Fill up a smaller last batch, so that the network is compiled for one shape only."""
    return np.concatenate([batch, np.zeros((batch_size - len(batch), *batch.shape[1:]), batch.dtype)])
