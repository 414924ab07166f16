from __future__ import annotations

from importlib.metadata import version

import pytest

from ensembler.engines.hardware import Gpu, Hardware
from ensembler.options.presets import Machine
from ensembler.workflows.machine import JobMachine, KerasFacts, describe_keras, summarise_hardware

LARGE, SMALL = Gpu("A100", 80, (8, 0), "0"), Gpu("T4", 16, (7, 5), "GPU-7")


@pytest.mark.parametrize(
    ("hardware", "found"),
    [
        (Hardware((), 64), JobMachine(Machine(64))),
        (Hardware((), 64, "No driver."), JobMachine(Machine(64), problem="No driver.")),
        (Hardware((LARGE,), 64), JobMachine(Machine(80, ((8, 0),)), ("0",))),
        (Hardware((LARGE, SMALL), 64), JobMachine(Machine(16, ((8, 0), (7, 5))), ("0", "GPU-7"))),
    ],
    ids=["cpu", "trouble", "gpu", "two gpus"],
)
def test_what_jobs_and_defaults_need_to_know(hardware: Hardware, found: JobMachine) -> None:
    assert summarise_hardware(hardware) == found


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        (KerasFacts("jax", "0.10.2", "3.15.1"), "Keras 3.15.1 on JAX 0.10.2, CPU"),
        (
            KerasFacts("tensorflow", "2.21.0", "3.15.1", ("T4", "T4"), asked=True),
            "Keras 3.15.1 on TensorFlow 2.21.0, T4, T4",
        ),
        (
            KerasFacts("jax", "0.10.2", "3.15.1", ("T4",)),
            "Keras 3.15.1 on JAX 0.10.2, T4 by its driver (`ensembler config` asks JAX whether it can use it)",
        ),
        (KerasFacts("jax", "1", "2", problem="Mend it."), "Keras 2 on JAX 1, CPU. Mend it."),
        (KerasFacts(None, "", "", problem="Nothing is installed."), "Nothing is installed."),
    ],
)
def test_what_keras_runs_on_in_words(facts: KerasFacts, text: str) -> None:
    assert str(facts) == text


def test_what_keras_runs_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert "choose tensorflow or jax" in describe_keras().problem
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    found = describe_keras(Hardware((SMALL,), 64))
    assert (found.backend, found.gpus, found.asked) == ("jax", ("T4",), True)
    assert found.version == version("jax")
