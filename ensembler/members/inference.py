"""Whole networks, pixels to probabilities, and what they predict."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ..progress import Task
from .names import layer_name


def join(backbone: Any, head: Any, name: str) -> Any:
    """Put a head on a backbone: pixels to probabilities; ``name`` is the member's."""
    pixels = keras.Input(backbone.input_shape[1:], name="pixels")
    return keras.Model(pixels, head(backbone(pixels)), name=layer_name(name))


def predict(model: Any, batches: Any, rows: int, batch_size: int, task: Task) -> NDArray[np.float32]:
    """Run ``model`` over batches of pixels.

    Parameters
    ----------
    model
        Gives an array of shape (batch, width).
    batches
        Yields arrays of at most ``batch_size`` photos, ``rows`` in all.
    rows, batch_size
        Sizes; a smaller last batch is filled up, so that the network is compiled for one shape only.
    task
        Hears how many photos are done.

    Returns
    -------
    array of shape (rows, width)
    """
    return predict_each([model], batches, rows, batch_size, task)[0]


def predict_each(
    models: list[Any], batches: Iterable[NDArray[np.uint8]], rows: int, batch_size: int, task: Task
) -> list[NDArray[np.float32]]:
    """Run several models over the same batches, so that photos are decoded once; see :func:`predict`."""
    results = [np.empty((rows, model.output_shape[-1]), dtype=np.float32) for model in models]
    done = 0
    for batch in batches:
        for model, result in zip(models, results, strict=True):
            result[done : done + len(batch)] = answer(model, batch, batch_size)
            task.advance(len(batch))
        done += len(batch)
    task.finish()
    return results


def answer(model: Any, batch: NDArray[np.uint8], batch_size: int) -> NDArray[np.float32]:
    """Run a model over one batch of at most ``batch_size`` photos, shape (photos, width); see :func:`predict`."""
    if not model.compiled:
        model.compile(jit_compile=False)
    filled = np.concatenate([batch, np.zeros((batch_size - len(batch), *batch.shape[1:]), batch.dtype)])
    return np.asarray(model.predict_on_batch(filled), np.float32)[: len(batch)]
