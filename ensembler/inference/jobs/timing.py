"""Times of calls and of batches, without Keras, for processes that run networks on other runtimes too."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import numpy as np

# Maximum number of predictions of one photo, as in published comparisons of backbones, and of one batch.
SINGLE_PREDICTIONS, BATCH_PREDICTIONS = 100, 10
# The first prediction compiles, the second one warms up.
WARM_UP_PREDICTIONS = 2
# Measuring ends after this many seconds and predictions, whose mean is then known to a few per cent.
MAX_SECONDS, MIN_PREDICTIONS = 1.0, 3


class BatchClock:
    """Times batches that are predicted anyway, so that a speed is known without predictions that serve nothing else.

    Each view of a photo has its own network. The first batch of a network compiles it, so it does not count.
    """

    def __init__(self) -> None:
        self._seconds: defaultdict[str, list[float]] = defaultdict(list)

    @contextmanager
    def time_batch(self, view: str = "") -> Iterator[None]:
        """Time the prediction of a batch of one view within the block."""
        began = time.perf_counter()
        yield
        self._seconds[view].append(time.perf_counter() - began)

    def compute_photos_per_second(self, batch_size: int, views: Iterable[str] = ("",)) -> float:
        """Return the speed of a network that predicts some views of each photo, or 0 if one of them is not known.

        The median of each view counts, because a pause of the machine makes single batches slow.
        """
        timed = [self._seconds.get(view, [])[1:] for view in views]
        if min(map(len, timed)) < MIN_PREDICTIONS:
            return 0.0
        return float(batch_size / sum(np.median(each) for each in timed))


def time_calls(work: Callable[[], object], times: int) -> list[float]:
    """Return the seconds of up to ``times`` calls after a warm-up, fewer if they take long."""
    for _ in range(WARM_UP_PREDICTIONS):
        work()
    seconds: list[float] = []
    while len(seconds) < times and (len(seconds) < MIN_PREDICTIONS or sum(seconds) < MAX_SECONDS):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return seconds
