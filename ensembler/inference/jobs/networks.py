"""Whole networks, from pixels to probabilities, and their predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ...backbones.names import make_layer_name
from ...progress import Task


def join_head(backbone: Any, head: Any, name: str) -> Any:
    """Join a backbone and a head to a network from pixels to probabilities; ``name`` is the member's."""
    pixels = keras.Input(backbone.input_shape[1:], name="pixels")
    return keras.Model(pixels, head(backbone(pixels)), name=make_layer_name(name))


# Takes a batch of pixels, gives the answers for it.
PredictBatch = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def predict(
    model: Any, batches: Any, rows: int, batch_size: int, task: Task, run: PredictBatch | None = None
) -> NDArray[np.float32]:
    """Run ``model``, of outputs of shape (batch, width), over batches of pixels.

    Parameters
    ----------
    batches
        Arrays of at most ``batch_size`` photos, ``rows`` in all.
    rows, batch_size
        Number of photos in all and a batch. A smaller last batch is filled up, so that the network is compiled for one
        shape only.
    task
        Task to advance by the photos that are done.
    run
        Function that runs the model; None is Keras.

    Returns
    -------
    array of shape (rows, width)
    """
    run = run or partial(predict_batch, model, batch_size=batch_size)
    return _gather_predictions([run], [model.output_shape[-1]], batches, rows, task)[0]


def predict_each(
    models: list[Any], batches: Iterable[NDArray[np.uint8]], rows: int, batch_size: int, task: Task
) -> list[NDArray[np.float32]]:
    """Run several models over the same batches, so that photos are decoded once; see :func:`predict`."""
    runs = [partial(predict_batch, model, batch_size=batch_size) for model in models]
    return _gather_predictions(runs, [model.output_shape[-1] for model in models], batches, rows, task)


def _gather_predictions(
    runs: Sequence[PredictBatch], widths: Sequence[int], batches: Iterable[NDArray[np.uint8]], rows: int, task: Task
) -> list[NDArray[np.float32]]:
    results = [np.empty((rows, width), dtype=np.float32) for width in widths]
    done = 0
    for batch in batches:
        for run, result in zip(runs, results, strict=True):
            result[done : done + len(batch)] = run(batch)
            task.advance(len(batch))
        done += len(batch)
    task.finish()
    return results


def predict_batch(model: Any, batch: NDArray[np.uint8], batch_size: int) -> NDArray[np.float32]:
    """Run a model over one batch of at most ``batch_size`` photos, shape (photos, width); see :func:`predict`."""
    if not model.compiled:
        model.compile(jit_compile=False)
    padded = np.concatenate([batch, np.zeros((batch_size - len(batch), *batch.shape[1:]), batch.dtype)])
    return np.asarray(model.predict_on_batch(padded), np.float32)[: len(batch)]
