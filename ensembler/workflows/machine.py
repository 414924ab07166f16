"""What is here, as training's defaults and jobs need to know it."""

from __future__ import annotations

from dataclasses import dataclass

from ..engines.hardware import Hardware, describe_hardware
from ..options.presets import Machine


@dataclass(frozen=True)
class ThisMachine:
    """What there is, and what jobs call it.

    Attributes
    ----------
    machine
        What defaults follow from.
    gpus
        What ``CUDA_VISIBLE_DEVICES`` calls each GPU.
    trouble
        Why a GPU that is there is not used; else empty.
    """

    machine: Machine
    gpus: tuple[str, ...] = ()
    trouble: str = ""


# A machine of which nothing is known.
PLAIN = ThisMachine(Machine())


def this_machine() -> ThisMachine:
    """Look at this machine; see :func:`describe_hardware`."""
    return machine_of(describe_hardware())


def machine_of(hardware: Hardware) -> ThisMachine:
    """Tell what matters of some hardware: a network has to fit the smallest GPU."""
    gpus = hardware.gpus
    memory = min((gpu.memory_bytes for gpu in gpus), default=hardware.memory_bytes)
    machine = Machine(memory, tuple(gpu.compute_capability for gpu in gpus))
    return ThisMachine(machine, tuple(gpu.identity for gpu in gpus), hardware.trouble)
