"""Measures how fast a network predicts."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..speeds import NetworkSpeed
from .device import find_device_name

# Predictions of one photo, as those who compare backbones measure them, and of one batch.
SINGLE_PREDICTIONS, BATCH_PREDICTIONS = 100, 10
# Before them: one that compiles, and one that warms up.
WARM_UP_PREDICTIONS = 2
# Seconds after which what was measured suffices, with this many predictions at least: their mean is known to a few per
# cent by then, and a person waits for it.
MAX_SECONDS, MIN_PREDICTIONS = 1.0, 3


def describe_device(batch_size: int) -> NetworkSpeed:
    """Return a speed record of this process's device without measurements."""
    return NetworkSpeed(
        batch_size=batch_size, device=find_device_name(), threads=count_processors(), host=socket.gethostname()
    )


def count_processors() -> int:
    """Return the number of processors for a job; several jobs share those of the machine."""
    value = os.environ.get("TF_NUM_INTRAOP_THREADS", "")
    if value.isdecimal() and int(value):
        return int(value)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def make_noise(count: int, size: int) -> NDArray[np.uint8]:
    """Return random photos, shape (count, size, size, 3), which take as long as real ones."""
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), np.uint8)


def measure_speed(model: Any, batch_size: int, photos_per_second: float | None = None) -> NetworkSpeed:
    """Measure a network, pixels to numbers.

    Parameters
    ----------
    photos_per_second
        Speed in batches, where that was measured already.
    """
    if not model.compiled:
        model.compile(jit_compile=False)
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
    noise = make_noise(photos, model.input_shape[1])
    for _ in range(WARM_UP_PREDICTIONS):
        model.predict_on_batch(noise)
    seconds: list[float] = []
    while len(seconds) < times and (len(seconds) < MIN_PREDICTIONS or sum(seconds) < MAX_SECONDS):
        began = time.perf_counter()
        model.predict_on_batch(noise)
        seconds.append(time.perf_counter() - began)
    return seconds
