"""Describes this machine for the defaults of training and for jobs."""

from __future__ import annotations

from dataclasses import dataclass

from ..engines.hardware import Hardware, detect_hardware
from ..options.presets import Machine


@dataclass(frozen=True)
class LocalMachine:
    """The machine on which the package runs.

    Attributes
    ----------
    machine
        Facts that determine defaults.
    gpus
        Identity of each GPU in ``CUDA_VISIBLE_DEVICES``.
    problem
        Reason why an installed GPU is not used. Empty if there is no such GPU.
    """

    machine: Machine
    gpus: tuple[str, ...] = ()
    problem: str = ""


UNKNOWN_MACHINE = LocalMachine(Machine())


def detect_machine() -> LocalMachine:
    """Detect the hardware of this machine."""
    return summarise_hardware(detect_hardware())


def summarise_hardware(hardware: Hardware) -> LocalMachine:
    """Return the facts that training needs. The memory is that of the smallest GPU, which each network must fit."""
    gpus = hardware.gpus
    memory = min((gpu.memory_bytes for gpu in gpus), default=hardware.memory_bytes)
    machine = Machine(memory, tuple(gpu.compute_capability for gpu in gpus))
    return LocalMachine(machine, tuple(gpu.identity for gpu in gpus), hardware.problem)
