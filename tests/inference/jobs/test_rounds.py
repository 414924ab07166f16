"""Runtimes timed in turn on machines whose load changes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ensembler.inference.jobs.rounds import MAX_ROUNDS, MAX_SECONDS, MIN_ROUNDS, time_in_rounds


class Machine:
    """A machine with a clock. A call takes its seconds times the load at that moment."""

    def __init__(self, load: Callable[[float], float]) -> None:
        self.now = 0.0
        self.load = load
        self.calls: list[str] = []

    def make(self, name: str, seconds: float, first: float = 0.0) -> Callable[[], None]:
        def work() -> None:
            self.now += seconds * self.load(self.now) + first * (name not in self.calls)
            self.calls.append(name)

        return work

    def time(self, seconds: dict[str, float], first: float = 0.0) -> dict[str, float]:
        works = {name: self.make(name, each, first) for name, each in seconds.items()}
        return time_in_rounds(works, lambda: self.now)


SECONDS = {"keras": 0.5, "graph": 0.4, "onnx": 0.3}


def test_a_quiet_machine_is_measured_exactly_and_compilation_does_not_count() -> None:
    assert Machine(lambda _: 1.0).time(SECONDS, first=7.0) == pytest.approx(SECONDS)


@pytest.mark.parametrize("seed", range(20))
def test_bursts_of_load_do_not_change_the_order(seed: int) -> None:
    """Each burst triples the time of what runs in it, and takes a sixth of the time."""
    random = np.random.default_rng(seed)
    bursts = np.cumsum(random.exponential(0.6, 40))

    def load(now: float) -> float:
        return 3.0 if any(burst <= now < burst + 0.1 for burst in bursts) else 1.0

    timed = Machine(load).time({name: each / 10 for name, each in SECONDS.items()})
    assert sorted(timed, key=lambda name: timed[name]) == ["onnx", "graph", "keras"]


def test_load_that_comes_after_one_runtime_does_not_decide() -> None:
    """One after another, keras would be timed on a quiet machine and the others on a busy one."""
    timed = Machine(lambda now: 1.0 if now < 2.5 else 2.0).time(SECONDS)
    assert timed["onnx"] < timed["graph"] < timed["keras"]


def test_a_hopeless_runtime_is_not_called_again_and_the_time_is_bounded() -> None:
    machine = Machine(lambda _: 1.0)
    machine.time({"keras": 0.1, "onnx": 1.0})
    # Once to compile, and in the first rounds.
    assert machine.calls.count("onnx") == 1 + MIN_ROUNDS
    quick = Machine(lambda _: 1.0)
    quick.time({"keras": 0.01, "onnx": 0.01})
    assert quick.calls.count("keras") == 1 + MAX_ROUNDS
    slow = Machine(lambda _: 1.0)
    slow.time({"keras": MAX_SECONDS})
    assert slow.calls.count("keras") == 1 + MIN_ROUNDS
