"""Timing of several runtimes side by side, so that other load on the machine affects all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

Name = TypeVar("Name", bound=str)

# Rounds of one call each. Measuring ends after this many seconds, but not before the last of the fewest rounds.
MAX_ROUNDS, MIN_ROUNDS, MAX_SECONDS = 6, 3, 4.0
# After these, a call that took this many times as long as the fastest one is not repeated.
_HOPELESS = 2.0


def time_in_rounds(
    works: Mapping[Name, Callable[[], object]],
    clock: Callable[[], float] = time.perf_counter,
    *,
    min_rounds: int = MIN_ROUNDS,
) -> dict[Name, float]:
    """Return the seconds that each function takes: the least of several rounds in which all are called in turn.

    Load from elsewhere only ever adds time, so the least is the best estimate of each function's own. Whatever slows a
    round slows all functions in it. The first call of each is not timed, because it compiles.

    Parameters
    ----------
    works
        Functions by name.
    clock
        Function that returns the time in seconds.
    min_rounds
        Number of rounds that are never cut short.
    """
    for work in works.values():
        work()
    seconds: dict[Name, list[float]] = {name: [] for name in works}
    remaining, began, rounds = dict(works), clock(), 0
    while rounds < min_rounds or (rounds < MAX_ROUNDS and clock() - began < MAX_SECONDS):
        for name, work in remaining.items():
            start = clock()
            work()
            seconds[name].append(clock() - start)
        rounds += 1
        if rounds >= min_rounds:
            least = {name: min(seconds[name]) for name in remaining}
            remaining = {
                name: work for name, work in remaining.items() if least[name] < _HOPELESS * min(least.values())
            }
    return {name: min(each) for name, each in seconds.items()}
