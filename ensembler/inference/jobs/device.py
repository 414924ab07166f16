"""The device of TensorFlow."""

from __future__ import annotations

import platform
from pathlib import Path


def find_device_name() -> str:
    """Return the name of the device that TensorFlow predicts on."""
    import tensorflow as tf

    if gpus := tf.config.list_logical_devices("GPU") and tf.config.list_physical_devices("GPU"):
        return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU"))
    return _find_processor_name()


def _find_processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(filter(None, named), platform.processor() or platform.machine())
