"""The speed that batches show which are predicted anyway."""

from __future__ import annotations

import pytest

from ensembler.inference.jobs import timing
from ensembler.inference.jobs.timing import BatchClock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> BatchClock:
    """A clock whose batches last as many seconds as :data:`LAST` says."""
    ends = iter([moment for number, each in enumerate(LAST) for moment in (100 * number, 100 * number + each)])
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(ends))
    timed = BatchClock()
    for number in range(len(LAST)):
        with timed.time_batch("-mirrored" if number % 2 else ""):
            pass
    return timed


# The first batch of each view compiles, and the machine paused in one.
LAST = (50.0, 60.0, 2.0, 6.0, 2.0, 6.0, 90.0, 6.0, 2.0)


def test_views_add_up_and_neither_compilation_nor_a_pause_counts(clock: BatchClock) -> None:
    assert clock.compute_photos_per_second(32) == 16
    assert clock.compute_photos_per_second(32, ["", "-mirrored"]) == 4


def test_a_view_without_enough_batches_has_no_speed(clock: BatchClock) -> None:
    assert clock.compute_photos_per_second(32, ["", "-corner00"]) == 0
    assert BatchClock().compute_photos_per_second(32) == 0
