"""Jobs in this process, one after the other: what a process of their own costs is not what is tested."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ensembler.engines.hardware import Gpu, Hardware
from ensembler.engines.job import Job
from ensembler.engines.local import LocalEngine
from ensembler.progress import Progress

CPU = Hardware((), 2**40)
TWO_GPUS = Hardware((Gpu("A100", 2**40, (8, 0), "0"), Gpu("A100", 2**40, (8, 0), "GPU-7")), 2**40)


def run_here(jobs: Sequence[Job], logs: Path, progress: Progress, **_: Any) -> list[Any]:
    """Stand for :meth:`ensembler.engines.local.LocalEngine.run_jobs`."""
    results = []
    for job in (Job.from_line(job.to_line(logs))[0] for job in jobs):
        module, function = job.function.split(":")
        results.append(getattr(importlib.import_module(module), function)(job.spec, progress))
    return results


def start_none(*_: Any) -> contextlib.AbstractContextManager[None]:
    """Stand for :meth:`ensembler.engines.local.LocalEngine.start_ahead`."""
    return contextlib.nullcontext()


def replace_local_engine(
    patch: pytest.MonkeyPatch,
    run_jobs: Callable[[Sequence[Job], Path, Progress], Any] = run_here,
    hardware: Hardware | None = None,
) -> None:
    """Have the engine of this machine run jobs by a function, start no processes, and find this hardware."""
    patch.setattr(LocalEngine, "run_jobs", lambda _, *arguments: run_jobs(*arguments))
    patch.setattr(LocalEngine, "start_ahead", start_none)
    if hardware:
        patch.setattr("ensembler.engines.local.detect_hardware", lambda: hardware)
