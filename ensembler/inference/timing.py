"""How the speed of a network is measured."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Predictions of one photo, as those who compare backbones measure them, and of one batch.
SINGLE = 100
BATCHES = 10
# Before them: one that compiles, and one that warms up.
WARM_UP = 2
# Seconds after which what was measured suffices, with this many predictions at least: their mean is known to a few per
# cent by then, and a person waits for it.
LONGEST = 1.0
FEWEST = 3


def noise(count: int, size: int) -> NDArray[np.uint8]:
    """Return photos of nothing, shape (count, size, size, 3), which take as long as others."""
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), np.uint8)


def seconds_each(model: Any, photos: NDArray[np.uint8], times: int) -> list[float]:
    """Time predictions of the same photos, after one that compiles and one that warms up."""
    for _ in range(WARM_UP):
        model.predict_on_batch(photos)
    taken: list[float] = []
    while len(taken) < times and (len(taken) < FEWEST or sum(taken) < LONGEST):
        began = time.perf_counter()
        model.predict_on_batch(photos)
        taken.append(time.perf_counter() - began)
    return taken


def processors() -> int:
    """Return the processors that a job may use; fewer where several jobs share the machine."""
    told = os.environ.get("TF_NUM_INTRAOP_THREADS", "")
    if told.isdecimal() and int(told):
        return int(told)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
