"""Hardware of this machine: GPUs that TensorFlow can use, and memory."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..machine_memory import read_machine_memory

_QUERY = "index,uuid,name,memory.total,compute_cap"
# Seconds. A driver that is not kept loaded needs a few per GPU. TensorFlow needs more from a slow disk.
_DRIVER_TIMEOUT = 60.0
_TENSORFLOW_TIMEOUT = 180.0
_MEBIBYTE = 2**20
_UNUSABLE_MESSAGE = (
    "TensorFlow cannot use this machine's GPU: run pip install 'ensembler[gpu]' (on Windows, inside WSL2)."
)


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
        GPUs that TensorFlow can use and that ``CUDA_VISIBLE_DEVICES`` does not hide.
    memory_bytes
        Main memory that this process may use.
    problem
        Sentence that explains why an existing GPU is not used. Empty if there is no problem.
    """

    gpus: tuple[Gpu, ...]
    memory_bytes: int
    problem: str = ""


def detect_hardware() -> Hardware:
    """Detect the hardware of this machine.

    The driver's ``nvidia-smi`` lists the GPUs. TensorFlow then reports in a separate process whether it can use them,
    because a TensorFlow without CUDA is common on machines with a GPU. Without ``nvidia-smi``, neither is started.
    """
    memory = read_machine_memory()
    program = shutil.which("nvidia-smi")
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if not program or visible in ("", "-1"):
        return Hardware((), memory)
    listing, problem = _query_driver(program)
    gpus = select_visible_gpus(parse_gpu_listing(listing, memory), visible)
    if gpus and not _can_tensorflow_use_gpus():
        return Hardware((), memory, _UNUSABLE_MESSAGE)
    return Hardware(gpus, memory, problem)


def _query_driver(program: str) -> tuple[str, str]:
    """Return the output of ``nvidia-smi``, and a problem of the driver if there is no output."""
    question = [program, f"--query-gpu={_QUERY}", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(
            question, capture_output=True, text=True, errors="replace", check=False, timeout=_DRIVER_TIMEOUT
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", _describe_driver_failure(str(error))
    if answer.returncode == 0:
        return answer.stdout, ""
    output = (answer.stdout + answer.stderr).strip()
    # The machine has a driver but no GPU.
    without = output.startswith("No devices")
    return "", "" if without else _describe_driver_failure(
        output.partition("\n")[0] or f"exit code {answer.returncode}"
    )


def _describe_driver_failure(reason: str) -> str:
    return f"No GPU is used because nvidia-smi failed ({reason.rstrip('.')}): repair the NVIDIA driver to train on one."


def parse_gpu_listing(listing: str, shared_memory: int) -> tuple[Gpu, ...]:
    """Parse the output of ``nvidia-smi`` into GPUs in the order of their numbers.

    Parameters
    ----------
    listing
        Comma-separated lines of index, UUID, name, memory in MiB and compute capability.
    shared_memory
        Main memory of the machine in bytes, used for GPUs whose memory is ``[N/A]``.
    """
    rows = sorted(
        (row for row in csv.reader(listing.splitlines(), skipinitialspace=True) if _is_gpu(row)), key=_parse_index
    )
    return tuple(
        Gpu(
            name=name,
            memory_bytes=int(memory) * _MEBIBYTE if memory.isdecimal() else shared_memory,
            compute_capability=_parse_capability(capability),
            identity=uuid,
        )
        for _, uuid, name, memory, capability in rows
    )


def _is_gpu(row: Sequence[str]) -> bool:
    """Return whether a line describes a GPU and is not a message of the driver."""
    return len(row) == _QUERY.count(",") + 1 and row[0].isdecimal() and bool(re.fullmatch(r"\d+\.\d+", row[-1]))


def _parse_index(row: Sequence[str]) -> int:
    return int(row[0])


def _parse_capability(text: str) -> tuple[int, int]:
    major, minor = text.split(".")
    return int(major), int(minor)


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


def _can_tensorflow_use_gpus() -> bool:
    question = "import tensorflow as tf, sys; sys.exit(0 if tf.config.list_physical_devices('GPU') else 1)"
    try:
        answer = subprocess.run(
            [sys.executable, "-c", question], capture_output=True, check=False, timeout=_TENSORFLOW_TIMEOUT
        )
    except subprocess.TimeoutExpired:
        return False
    return answer.returncode == 0
