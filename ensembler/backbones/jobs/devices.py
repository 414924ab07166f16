"""What differs between the backends of Keras: devices and their memory, and how steps are compiled."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from .depthwise import speed_up_depthwise

# JAX runs a step that is not compiled one operation at a time, and compiles each of them.
ALWAYS_COMPILES = keras.backend.backend() == "jax"


def is_on_gpu() -> bool:
    """Return whether Keras sees a GPU."""
    return any("gpu" in str(device).lower() for device in keras.distribution.list_devices())


def uses_xla_for_training() -> bool:
    """Return whether XLA compiles the steps of a training.

    TensorFlow uses it on GPUs only. On CPUs it replaces faster oneDNN kernels and compiles for minutes.
    """
    return ALWAYS_COMPILES or is_on_gpu()


def prepare_backend() -> None:
    """Let Keras use the faster operations of this package before a network is compiled or differentiated."""
    if ALWAYS_COMPILES and not is_on_gpu():
        speed_up_depthwise()


def compile_for_prediction(model: Any) -> None:
    """Let ``predict_on_batch`` of a model run as TensorFlow's graph, or compiled by JAX, if it is not compiled yet."""
    prepare_backend()
    if not model.compiled:
        model.compile(jit_compile=ALWAYS_COMPILES)


def predict_once(model: Any, inputs: Any) -> NDArray[np.float32]:
    """Return a model's outputs of a single batch, shape (rows, width).

    TensorFlow runs it one operation at a time, because tracing would take several times as long as a few photos. JAX
    would compile each operation.
    """
    if ALWAYS_COMPILES:
        compile_for_prediction(model)
        return np.asarray(model.predict_on_batch(inputs), np.float32)
    return np.asarray(keras.ops.convert_to_numpy(model(inputs, training=False)), np.float32)


def bring_weights_back(model: Any) -> None:
    """Make the weights of a model readable between two steps of ``fit``, where JAX holds them elsewhere."""
    if ALWAYS_COMPILES:
        model.jax_state_sync()


def find_gpu_name() -> str:
    """Return the name of the first GPU that Keras uses, or an empty string."""
    if not is_on_gpu():
        return ""
    if ALWAYS_COMPILES:
        import jax

        return str(jax.devices()[0].device_kind)
    import tensorflow as tf

    # Listing logical devices first starts the GPU.
    gpus = tf.config.list_logical_devices("GPU") and tf.config.list_physical_devices("GPU")
    return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")) if gpus else ""


def read_peak_gpu_memory() -> int | None:
    """Return the peak GPU memory of this process in bytes, or None without a GPU or without such statistics."""
    if not is_on_gpu():
        return None
    if ALWAYS_COMPILES:
        import jax

        statistics = [device.memory_stats() or {} for device in jax.local_devices()]
        return sum(int(each.get("peak_bytes_in_use", 0)) for each in statistics) or None
    import tensorflow as tf

    names = [f"GPU:{place}" for place in range(len(tf.config.list_logical_devices("GPU")))]
    try:
        return sum(int(tf.config.experimental.get_memory_info(name)["peak"]) for name in names) or None
    except ValueError:
        # Some allocators keep no statistics.
        return None
