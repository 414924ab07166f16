"""Hardware of this machine: GPUs that the backend of Keras can use, and memory."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..keras_backend import BACKEND_NAMES, Backend, find_backend_if_any
from ..machine_limits import read_machine_memory
from .worker_processes import ENVIRONMENT

_QUERY = "index,uuid,name,memory.total,compute_cap"
_GPU_LINE = re.compile(
    r"(?P<index>\d+), *(?P<uuid>[^,]+), *(?P<name>.+), *(?P<memory>[^,]+), *(?P<major>\d+)\.(?P<minor>\d+)"
)
# Seconds. A driver that is not kept loaded needs a few per GPU. The backend needs more from a slow disk.
_DRIVER_TIMEOUT = 60.0
_BACKEND_TIMEOUT = 180.0
_MEBIBYTE = 2**20
# Programs that exit with 0 if the backend can use a GPU.
_QUESTIONS: Mapping[Backend, str] = {
    "tensorflow": "import tensorflow as tf, sys; sys.exit(0 if tf.config.list_physical_devices('GPU') else 1)",
    "jax": "import jax, sys; sys.exit(0 if any(one.platform == 'gpu' for one in jax.devices()) else 1)",
}
_EXTRAS: Mapping[Backend, str] = {"tensorflow": "gpu", "jax": "jax-gpu"}
# Variables that choose JAX's devices, and the names of GPUs there.
_JAX_PLATFORMS, _JAX_GPUS = ("JAX_PLATFORMS", "JAX_PLATFORM_NAME"), ("gpu", "cuda")


@dataclass(frozen=True)
class Gpu:
    """One GPU.

    Attributes
    ----------
    name
        Name reported by the driver.
    memory_bytes
        Total memory. For a GPU without its own memory, the machine's.
    compute_capability
        CUDA compute capability, such as ``(8, 0)``. 7 has fast float16. 8 and later also have fast bfloat16.
    identity
        Name in ``CUDA_VISIBLE_DEVICES``.
    """

    name: str
    memory_bytes: int
    compute_capability: tuple[int, int]
    identity: str


@dataclass(frozen=True)
class Hardware:
    """Hardware that jobs may use.

    Attributes
    ----------
    gpus
        GPUs that the backend of Keras can use and that ``CUDA_VISIBLE_DEVICES`` does not hide.
    memory_bytes
        Main memory that this process may use.
    problem
        Sentence that explains why an existing GPU is not used. Empty if there is no problem.
    """

    gpus: tuple[Gpu, ...]
    memory_bytes: int
    problem: str = ""


def detect_hardware(backend: Backend | None = None) -> Hardware:
    """Detect the hardware of this machine.

    The driver's ``nvidia-smi`` lists the GPUs. The backend of Keras then reports in a separate process whether it can
    use them, because TensorFlow or JAX without CUDA is common on machines with a GPU. Without ``nvidia-smi``, neither
    is started.

    Parameters
    ----------
    backend
        Backend of Keras. None is the one that jobs use. Without any, GPUs are not used.
    """
    backend = backend or find_backend_if_any()
    listed = list_gpus(backend)
    if listed.gpus and (backend is None or not _can_use_gpus(backend)):
        return replace(listed, gpus=(), problem=_describe_unusable(backend))
    return listed


def list_gpus(backend: Backend | None) -> Hardware:
    """Return the hardware by the driver's list, without asking the backend whether it can use the GPUs."""
    memory = read_machine_memory()
    program = shutil.which("nvidia-smi")
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if not program or visible in ("", "-1") or (backend == "jax" and _are_hidden_from_jax()):
        return Hardware((), memory)
    listing, problem = _query_driver(program)
    return Hardware(select_visible_gpus(parse_gpu_listing(listing, memory), visible), memory, problem)


def _are_hidden_from_jax() -> bool:
    """Return whether the user chose other devices for JAX."""
    chosen = next(filter(None, map(os.environ.get, _JAX_PLATFORMS)), None)
    return chosen is not None and not set(_JAX_GPUS) & set(chosen.lower().split(","))


def _describe_unusable(backend: Backend | None) -> str:
    if backend is None:
        return "No GPU is used, because Keras has no backend."
    return (
        f"{BACKEND_NAMES[backend]} cannot use this machine's GPU: run pip install 'ensembler[{_EXTRAS[backend]}]' "
        "(on Windows, inside WSL2)."
    )


def _query_driver(program: str) -> tuple[str, str]:
    """Return the output of ``nvidia-smi``, and a description of the problem if it failed."""
    command = [program, f"--query-gpu={_QUERY}", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False, timeout=_DRIVER_TIMEOUT
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = str(error)
    else:
        output = (answer.stdout + answer.stderr).strip()
        # "No devices" is not a problem: the machine has a driver but no GPU.
        if answer.returncode == 0 or output.startswith("No devices"):
            return answer.stdout, ""
        reason = output.partition("\n")[0] or f"exit code {answer.returncode}"
    return "", f"No GPU is used because nvidia-smi failed ({reason.rstrip('.')}): repair the NVIDIA driver to use GPUs."


def parse_gpu_listing(listing: str, shared_memory: int) -> tuple[Gpu, ...]:
    """Parse the output of ``nvidia-smi`` into GPUs in the order of their numbers.

    Parameters
    ----------
    listing
        Comma-separated lines of index, UUID, name, memory in MiB and compute capability. Other lines are ignored.
    shared_memory
        Main memory of the machine in bytes, used for GPUs whose memory is ``[N/A]``.
    """
    matches = (_GPU_LINE.fullmatch(line.strip()) for line in listing.splitlines())
    return tuple(
        Gpu(
            name=row["name"],
            memory_bytes=int(row["memory"]) * _MEBIBYTE if row["memory"].isdecimal() else shared_memory,
            compute_capability=(int(row["major"]), int(row["minor"])),
            identity=row["uuid"],
        )
        for row in sorted(filter(None, matches), key=lambda row: int(row["index"]))
    )


def select_visible_gpus(gpus: Sequence[Gpu], visible: str | None) -> tuple[Gpu, ...]:
    """Select the GPUs that ``CUDA_VISIBLE_DEVICES`` leaves visible, with CUDA's rules.

    Parameters
    ----------
    gpus
        All GPUs in the order of their numbers.
    visible
        Value of the variable: numbers, or UUIDs or prefixes of them. An entry that matches no GPU hides itself and all
        later entries. None leaves all GPUs visible.

    Returns
    -------
    tuple of Gpu
        GPUs in the order of the variable, identified as in the variable. A slice of a GPU (``MIG-...``) is described as
        a whole GPU, because the driver's list does not assign slices to GPUs.
    """
    if visible is None:
        # A single GPU may be a slice, which CUDA finds by this number but not by the UUID of the whole GPU.
        return (replace(gpus[0], identity="0"),) if len(gpus) == 1 else tuple(gpus)
    chosen: list[Gpu] = []
    for entry in map(str.strip, visible.split(",")):
        named = [gpu for number, gpu in enumerate(gpus) if entry and _is_named_by(entry, number, gpu)]
        if not named:
            break
        chosen.append(replace(named[0], identity=entry))
    return tuple(chosen)


def _is_named_by(entry: str, number: int, gpu: Gpu) -> bool:
    if entry.startswith("MIG-"):
        return True
    return entry == str(number) or (entry.startswith("GPU-") and gpu.identity.startswith(entry))


def _can_use_gpus(backend: Backend) -> bool:
    command = [sys.executable, "-c", _QUESTIONS[backend]]
    # The question must not take the memory of the GPU, on which jobs may run.
    environment = {**ENVIRONMENT, **os.environ}
    try:
        answer = subprocess.run(command, capture_output=True, check=False, timeout=_BACKEND_TIMEOUT, env=environment)
    except subprocess.TimeoutExpired:
        return False
    return answer.returncode == 0
