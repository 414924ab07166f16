"""Describes the machine of jobs for the defaults of training."""

from __future__ import annotations

from dataclasses import dataclass

from ..engines.engine import Engine
from ..engines.hardware import Hardware
from ..engines.job import Needs
from ..engines.local import LocalEngine
from ..options.presets import Machine


@dataclass(frozen=True)
class JobMachine:
    """The machine on which a job runs.

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

    @property
    def needs(self) -> Needs:
        """What a job needs that uses a single GPU, if there is one."""
        return Needs(gpus=1 if self.gpus else None)


UNKNOWN_MACHINE = JobMachine(Machine())


def detect_machine(engine: Engine | None = None) -> JobMachine:
    """Detect the hardware that an engine gives to jobs, by default that of this machine."""
    return summarise_hardware((engine or LocalEngine()).detect_hardware())


def summarise_hardware(hardware: Hardware) -> JobMachine:
    """Return the facts that training needs. The memory is that of the smallest GPU, which each network must fit."""
    gpus = hardware.gpus
    memory = min((gpu.memory_bytes for gpu in gpus), default=hardware.memory_bytes)
    machine = Machine(memory, tuple(gpu.compute_capability for gpu in gpus))
    return JobMachine(machine, tuple(gpu.identity for gpu in gpus), hardware.problem)
