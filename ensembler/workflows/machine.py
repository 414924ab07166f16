"""Describes the machine of jobs: what the defaults of training depend on, and the backend of Keras."""

from __future__ import annotations

from dataclasses import dataclass

from ..engines.engine import Engine
from ..engines.hardware import Hardware, list_gpus
from ..engines.job import Needs
from ..engines.local import LocalEngine
from ..errors import BadChoice
from ..keras_backend import BACKEND_NAMES, Backend, find_backend
from ..options.presets import Machine
from ..serialization import Exported
from ..versions import read_versions


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


@dataclass(frozen=True)
class KerasFacts(Exported):
    """What Keras runs on.

    Attributes
    ----------
    backend
        Backend of Keras: ``tensorflow`` or ``jax``. None if Keras has no backend, see ``problem``.
    version, keras
        Versions of the backend and of Keras. Empty if they are not installed by a package manager.
    gpus
        Names of the GPUs. Without any, jobs use the processors.
    asked
        Whether the backend itself said that it can use the GPUs, rather than the driver alone.
    problem
        Sentence that explains why there is no backend, or why a GPU is not used. Empty if there is no problem.
    """

    backend: Backend | None
    version: str
    keras: str
    gpus: tuple[str, ...] = ()
    asked: bool = False
    problem: str = ""

    def __str__(self) -> str:
        """Return the facts in words, such as ``Keras 3.15.1 on JAX 0.10.2, CPU``."""
        if self.backend is None:
            return self.problem
        name, device = BACKEND_NAMES[self.backend], ", ".join(self.gpus) or "CPU"
        if self.gpus and not self.asked:
            device += f" by its driver (`ensembler config` asks {name} whether it can use it)"
        problem = f". {self.problem}" if self.problem else ""
        return f"Keras {self.keras} on {name} {self.version}, {device}{problem}"


def describe_keras(hardware: Hardware | None = None) -> KerasFacts:
    """Describe the backend of Keras and its devices, without loading either.

    Parameters
    ----------
    hardware
        Hardware of this machine. None takes the driver's list of GPUs, without asking the backend, which takes seconds.
    """
    try:
        backend = find_backend()
    except BadChoice as error:
        return KerasFacts(None, "", "", problem=str(error))
    versions = read_versions((backend, "keras"))
    found = hardware or list_gpus(backend)
    names = tuple(gpu.name for gpu in found.gpus)
    return KerasFacts(
        backend,
        versions.get(backend, ""),
        versions.get("keras", ""),
        names,
        asked=hardware is not None,
        problem=found.problem,
    )


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
