"""Measurement of a network's prediction speed."""

from __future__ import annotations

import platform
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...backbones.jobs.devices import compile_for_prediction, find_gpu_name
from ...machine_limits import count_processors
from ..speeds import NetworkSpeed
from .timing import BATCH_PREDICTIONS, SINGLE_PREDICTIONS, time_calls


def describe_device(batch_size: int) -> NetworkSpeed:
    """Return a speed record of this process's device without measurements."""
    return NetworkSpeed(
        batch_size=batch_size, device=_find_device_name(), threads=count_processors(), host=socket.gethostname()
    )


def _find_device_name() -> str:
    """Return the name of the device that predicts."""
    if gpu := find_gpu_name():
        return gpu
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(filter(None, named), platform.processor() or platform.machine())


def measure_speed(model: Any, batch_size: int, photos_per_second: float | None = None) -> NetworkSpeed:
    """Measure how fast a network predicts.

    Parameters
    ----------
    photos_per_second
        Speed in batches, if already measured.
    """
    compile_for_prediction(model)
    alone = _time_predictions(model, 1, SINGLE_PREDICTIONS)
    if photos_per_second is None:
        photos_per_second = batch_size / float(np.mean(_time_predictions(model, batch_size, BATCH_PREDICTIONS)))
    return replace(
        describe_device(batch_size),
        parameters=int(model.count_params()),
        milliseconds_per_photo=round(1e3 * float(np.mean(alone)), 3),
        photos_per_second=round(photos_per_second, 3),
        single=len(alone),
    )


def _time_predictions(model: Any, photos: int, times: int) -> list[float]:
    size = model.input_shape[1]
    # Noise takes as long as real photos.
    noise = np.random.default_rng(0).integers(0, 256, (photos, size, size, 3), np.uint8)
    return time_calls(lambda: model.predict_on_batch(noise), times)
