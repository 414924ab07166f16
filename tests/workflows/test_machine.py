from __future__ import annotations

import pytest

from ensembler.engines.hardware import Gpu, Hardware
from ensembler.options.presets import Machine
from ensembler.workflows.machine import JobMachine, summarise_hardware

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
