"""What is here, as training's defaults and jobs need to know it."""

from __future__ import annotations

from dataclasses import dataclass

from ..engines.hardware import Hardware, detect_hardware
from ..options.presets import Machine


@dataclass(frozen=True)
class LocalMachine:
    """What there is, and what jobs call it.

    Attributes
    ----------
    machine
        What defaults follow from.
    gpus
        What ``CUDA_VISIBLE_DEVICES`` calls each GPU.
    problem
        Why a GPU that is there is not used; else empty.
    """

    machine: Machine
    gpus: tuple[str, ...] = ()
    problem: str = ""


# A machine of which nothing is known.
UNKNOWN_MACHINE = LocalMachine(Machine())


def detect_machine() -> LocalMachine:
    """Look at this machine; see :func:`detect_hardware`."""
    return summarise_hardware(detect_hardware())


def summarise_hardware(hardware: Hardware) -> LocalMachine:
    """Tell what matters of some hardware: a network has to fit the smallest GPU."""
    gpus = hardware.gpus
    memory = min((gpu.memory_bytes for gpu in gpus), default=hardware.memory_bytes)
    machine = Machine(memory, tuple(gpu.compute_capability for gpu in gpus))
    return LocalMachine(machine, tuple(gpu.identity for gpu in gpus), hardware.problem)
