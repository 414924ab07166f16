"""The devices that a network is trained on: one, or all of them with the same weights."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import keras

from ....errors import BadChoice
from ....progress import Progress


def is_on_gpu() -> bool:
    """XLA pays on GPUs; on CPUs it takes the place of faster oneDNN kernels and compiles for minutes."""
    return any("gpu" in str(device).lower() for device in keras.distribution.list_devices())


def read_peak_gpu_memory() -> int | None:
    """Tell the most bytes that this process held of its GPUs so far; None where there is none, or it does not tell."""
    if not is_on_gpu():
        return None
    import tensorflow as tf

    names = [f"GPU:{place}" for place in range(len(tf.config.list_logical_devices("GPU")))]
    try:
        return sum(int(tf.config.experimental.get_memory_info(name)["peak"]) for name in names) or None
    except ValueError:
        # Some allocators count nothing.
        return None


class Devices:
    """Where one training runs.

    Parameters
    ----------
    data_parallel
        Over all devices of this machine: each takes its share of every batch, and gradients are summed
        (``tf.distribute.MirroredStrategy``).
    batch_size
        Photos a step, of all devices together.

    Raises
    ------
    BadChoice
        If there are fewer photos in a batch than devices.
    """

    def __init__(self, *, data_parallel: bool, batch_size: int, progress: Progress) -> None:
        self._strategy: Any = None
        self.count = 1
        if not data_parallel:
            return
        self._strategy = _make_mirrored_strategy()
        self.count = self._strategy.num_replicas_in_sync
        if self.count == 1:
            progress.note("--data-parallel: there is one device, so it does all the work.")
        if batch_size % self.count:
            raise BadChoice(
                f"--batch-size {batch_size} cannot be shared evenly by {self.count} devices: give a multiple of it, "
                "or leave out --data-parallel."
            )

    def scope(self) -> AbstractContextManager[Any]:
        """Block in which networks and optimizers are made, and trained."""
        return self._strategy.scope() if self._strategy is not None else contextlib.nullcontext()

    def feed(self, batches: Callable[[], Iterator[tuple[Any, ...]]]) -> Any:
        """Return what ``model.fit`` is to be given for one epoch of ``batches``."""
        if self._strategy is None:
            return batches()
        import tensorflow as tf

        # Keras takes a batch for itself before it trains on several devices, which an iterator would then lack.
        first = next(batches())
        signature = tuple(tf.TensorSpec((None, *part.shape[1:]), part.dtype) for part in first)
        return tf.data.Dataset.from_generator(batches, output_signature=signature).prefetch(tf.data.AUTOTUNE)

    @property
    def is_distributed(self) -> bool:
        """Whether a network's weights lie on several devices."""
        return self._strategy is not None


def _make_mirrored_strategy() -> Any:
    import tensorflow as tf

    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])
