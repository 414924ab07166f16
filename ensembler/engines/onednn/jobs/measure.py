"""The job that times a network as its process computes, with oneDNN or without."""

from __future__ import annotations

import time
from typing import Any

import keras
import numpy as np

from ....progress import Progress

# A network of the kind that most members are, and photos of which a batch takes a fraction of a second.
_WIDTH, _SIZE, _BATCH = 1.0, 160, 16
# The first predictions compile the network and warm up.
_WARM_UP, _REPEATS = 2, 10


def time_network(spec: dict[str, Any], progress: Progress) -> float:
    """Return the seconds of a batch: the least of several, since other work on the machine only adds to it."""
    del spec, progress
    network = keras.applications.MobileNetV2(
        input_shape=(_SIZE, _SIZE, 3), alpha=_WIDTH, include_top=False, weights=None, pooling="avg"
    )
    network.compile(jit_compile=False)
    photos = np.random.default_rng(0).uniform(-1, 1, (_BATCH, _SIZE, _SIZE, 3)).astype(np.float32)
    taken = []
    for _ in range(_WARM_UP + _REPEATS):
        began = time.perf_counter()
        network.predict_on_batch(photos)
        taken.append(time.perf_counter() - began)
    return min(taken[_WARM_UP:])
