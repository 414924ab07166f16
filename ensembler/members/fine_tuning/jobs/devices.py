"""Devices that train a network: a single one, or all of them with mirrored weights."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import keras

from ....backbones.jobs.devices import ALWAYS_COMPILES
from ....errors import BadChoice
from ....progress import Progress


class Devices:
    """Devices of one training.

    Parameters
    ----------
    data_parallel
        Whether to use all devices of this machine. Each processes an equal share of every batch, and gradients are
        summed (``tf.distribute.MirroredStrategy``).
    batch_size
        Photos per step over all devices.

    Raises
    ------
    BadChoice
        If the batch size is not a multiple of the number of devices, or the backend is JAX.
    """

    def __init__(self, *, data_parallel: bool, batch_size: int, progress: Progress) -> None:
        self._strategy: Any = None
        self.count = 1
        if not data_parallel:
            return
        if ALWAYS_COMPILES:
            raise BadChoice(
                "--data-parallel needs TensorFlow, but Keras runs on JAX: omit it, or set KERAS_BACKEND=tensorflow."
            )
        import tensorflow as tf

        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        self._strategy = tf.distribute.MirroredStrategy([device.name for device in devices])
        self.count = self._strategy.num_replicas_in_sync
        if self.count == 1:
            progress.note("--data-parallel has no effect: this machine has one device.")
        if batch_size % self.count:
            raise BadChoice(
                f"`--batch-size {batch_size}` cannot be divided evenly among {self.count} devices: choose a multiple "
                f"of {self.count}, or omit --data-parallel."
            )

    def scope(self) -> AbstractContextManager[Any]:
        """Return the context in which networks and optimizers are built and trained."""
        return self._strategy.scope() if self._strategy is not None else contextlib.nullcontext()

    def feed(self, batches: Callable[[], Iterator[tuple[Any, ...]]]) -> Any:
        """Return the input of ``model.fit`` for one epoch of ``batches``."""
        if self._strategy is None:
            # TensorFlow's pipeline asks for the next batch during a step. On JAX, Keras asks when a step begins.
            return copy_ahead(batches()) if ALWAYS_COMPILES else batches()
        import tensorflow as tf

        # Keras consumes one batch before it trains on several devices, and a plain iterator would lose it.
        first = next(batches())
        signature = tuple(tf.TensorSpec((None, *part.shape[1:]), part.dtype) for part in first)
        return tf.data.Dataset.from_generator(batches, output_signature=signature).prefetch(tf.data.AUTOTUNE)

    @property
    def is_distributed(self) -> bool:
        """Whether the weights are mirrored on several devices."""
        return self._strategy is not None


def copy_ahead(batches: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Yield batches that a thread copied to the device while the step before computed. Bytes stay bytes."""

    def copy() -> tuple[Any, ...] | None:
        batch = next(batches, None)
        return None if batch is None else tuple(map(keras.ops.convert_to_tensor, batch))

    with ThreadPoolExecutor(1) as thread:
        following = thread.submit(copy)
        while (batch := following.result()) is not None:
            following = thread.submit(copy)
            yield batch
