"""What this machine offers to jobs: GPUs that TensorFlow can use, and memory."""

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
# Seconds: a driver that is not kept loaded needs a few for each GPU, TensorFlow more from a slow disk.
_DRIVER_TIMEOUT = 60.0
_TENSORFLOW_TIMEOUT = 180.0
_MEBIBYTE = 2**20
_UNUSABLE_MESSAGE = (
    "A GPU is there, but TensorFlow cannot use it: pip install 'ensembler[gpu]' (on Windows, inside WSL2)."
)


@dataclass(frozen=True)
class Gpu:
    """One GPU.

    Attributes
    ----------
    name
        As its driver tells it.
    memory_bytes
        All its memory; that of the machine where it has none of its own.
    compute_capability
        Generation of its processors, as ``(8, 0)``: 7 has fast float16, 8 and later have fast bfloat16 too.
    identity
        What ``CUDA_VISIBLE_DEVICES`` calls it.
    """

    name: str
    memory_bytes: int
    compute_capability: tuple[int, int]
    identity: str


@dataclass(frozen=True)
class Hardware:
    """What jobs may use.

    Attributes
    ----------
    gpus
        Those that TensorFlow can use and that ``CUDA_VISIBLE_DEVICES`` does not hide.
    memory_bytes
        The most main memory that this process may use.
    problem
        Why a GPU that is there is not used, in a sentence for a person; else empty.
    """

    gpus: tuple[Gpu, ...]
    memory_bytes: int
    problem: str = ""


def detect_hardware() -> Hardware:
    """Find out what this machine offers.

    The driver's ``nvidia-smi`` is asked for GPUs, and TensorFlow, in a process of its own, whether it can use them,
    since a TensorFlow without CUDA beside a GPU is common. A machine without ``nvidia-smi`` pays for neither question.
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
    """Return what ``nvidia-smi`` lists, and what is wrong with the driver if it lists nothing."""
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
    # A machine of a kind that may have GPUs, and has none.
    without = output.startswith("No devices")
    return "", "" if without else _describe_driver_failure(
        output.partition("\n")[0] or f"exit code {answer.returncode}"
    )


def _describe_driver_failure(reason: str) -> str:
    return f"No GPU is used, since nvidia-smi failed ({reason.rstrip('.')}): mend the NVIDIA driver to train on one."


def parse_gpu_listing(listing: str, shared_memory: int) -> tuple[Gpu, ...]:
    """Read what ``nvidia-smi`` lists: a GPU a line, in the order of their numbers.

    Parameters
    ----------
    listing
        Lines of index, UUID, name, memory in MiB and compute capability, separated by commas.
    shared_memory
        That of the machine in bytes; taken for GPUs without memory of their own, whose figure is ``[N/A]``.
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
    """Whether it is a GPU's line, not a driver's complaint among them."""
    return len(row) == _QUERY.count(",") + 1 and row[0].isdecimal() and bool(re.fullmatch(r"\d+\.\d+", row[-1]))


def _parse_index(row: Sequence[str]) -> int:
    return int(row[0])


def _parse_capability(text: str) -> tuple[int, int]:
    major, minor = text.split(".")
    return int(major), int(minor)


def select_visible_gpus(gpus: Sequence[Gpu], visible: str | None) -> tuple[Gpu, ...]:
    """Choose the GPUs that ``CUDA_VISIBLE_DEVICES`` leaves to us, as CUDA reads it.

    Parameters
    ----------
    gpus
        All, by their numbers.
    visible
        The variable's value: numbers or (beginnings of) UUIDs; an entry that names none hides itself and all after it.
        None leaves all.

    Returns
    -------
    tuple of Gpu
        In the order of the variable, each under the very name that it gives. A slice of a GPU (``MIG-...``) is
        described as a whole one, since the driver's list does not tell which it belongs to.
    """
    if visible is None:
        # One alone may be a slice, which CUDA knows by this number but not by the UUID of the whole.
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
