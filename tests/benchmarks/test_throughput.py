"""What measures on any backend of Keras; here on TensorFlow, unless pytest is started with another KERAS_BACKEND."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import keras
import pytest
from throughput import Setting, facts, measure, measure_each, photos_a_second

SETTING = Setting("demo-conv", "float32", False, "training", (2, 4), 8, 0.01, 1, 2)


@pytest.mark.parametrize(
    "setting",
    [
        SETTING,
        replace(SETTING, precision="bfloat16"),
        replace(SETTING, xla=True, batches=(2,)),
        replace(SETTING, mode="prediction"),
    ],
    ids=["training", "16 bits", "xla", "prediction"],
)
def test_the_packages_own_network_is_measured(setting: Setting) -> None:
    lines: list[Any] = []
    measure(setting, lines.append)
    assert [(line["batch"], line["outcome"]) for line in lines] == [(batch, "measured") for batch in setting.batches]
    assert all(line["rate"] > 0 for line in lines)


class Work:
    """Steps of a hundredth of a second; a batch of ``most`` is too large, and one of ``odd`` fails."""

    def __init__(self, most: int = 1000, odd: int = 0) -> None:
        self.most = most
        self.odd = odd
        self.stretches: list[int] = []

    def __call__(self, batch: int) -> Any:
        def work(steps: int) -> None:
            self.stretches.append(steps)
            if batch >= self.most:
                raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 9 bytes.")
            if batch == self.odd:
                raise ArithmeticError("the loss is not finite")
            time.sleep(0.01 * steps)

        return work


def test_what_does_not_fit_ends_it_and_what_fails_does_not() -> None:
    lines: list[Any] = []
    measure_each(Work(most=8, odd=2), replace(SETTING, batches=(2, 4, 8, 16)), lines.append)
    assert [(line["batch"], line["outcome"]) for line in lines] == [(2, "failed"), (4, "measured"), (8, "memory")]
    assert lines[0]["words"] == "ArithmeticError: the loss is not finite"


def test_a_rate_is_photos_a_second_over_stretches_of_the_length_asked_for() -> None:
    work = Work()
    rate = photos_a_second(work(5), replace(SETTING, seconds=0.1, repeats=3, most_steps=50), 5)
    assert 5 / 0.02 < rate <= 5 / 0.01
    warm_up, trial, *timed = work.stretches
    assert (warm_up, trial, len(timed), len(set(timed))) == (2, 3, 3, 1)
    assert 5 <= timed[0] <= 10


def test_the_device_and_the_versions_are_reported() -> None:
    device = facts()
    assert device["backend"] == keras.backend.backend()
    assert f"keras {keras.version()}" in device["versions"]
    assert device["device"]
