"""How the speed of a network is measured."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Predictions of one photo, as those who compare backbones measure them, and of one batch.
SINGLE_PREDICTIONS = 100
BATCH_PREDICTIONS = 10
# Before them: one that compiles, and one that warms up.
WARM_UP_PREDICTIONS = 2
# Seconds after which what was measured suffices, with this many predictions at least: their mean is known to a few per
# cent by then, and a person waits for it.
MAX_SECONDS = 1.0
MIN_PREDICTIONS = 3


def make_noise(count: int, size: int) -> NDArray[np.uint8]:
    """Return photos of nothing, shape (count, size, size, 3), which take as long as others."""
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), np.uint8)


def time_predictions(model: Any, photos: NDArray[np.uint8], times: int) -> list[float]:
    """Time predictions of the same photos, after one that compiles and one that warms up."""
    for _ in range(WARM_UP_PREDICTIONS):
        model.predict_on_batch(photos)
    seconds: list[float] = []
    while len(seconds) < times and (len(seconds) < MIN_PREDICTIONS or sum(seconds) < MAX_SECONDS):
        began = time.perf_counter()
        model.predict_on_batch(photos)
        seconds.append(time.perf_counter() - began)
    return seconds


def count_processors() -> int:
    """Return the processors that a job may use; fewer where several jobs share the machine."""
    value = os.environ.get("TF_NUM_INTRAOP_THREADS", "")
    if value.isdecimal() and int(value):
        return int(value)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
