"""Jobs in this process, one after the other: what a process of their own costs is not what is tested."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ensembler.engines.job import Job
from ensembler.progress import Progress


def run_here(jobs: Sequence[Job], logs: Path, progress: Progress, **_: Any) -> list[Any]:
    """Stand for :func:`ensembler.engines.local.run_jobs`."""
    results = []
    for job in (Job.from_line(job.to_line(logs))[0] for job in jobs):
        module, function = job.function.split(":")
        results.append(getattr(importlib.import_module(module), function)(job.spec, progress))
    return results


def start_none(*_: Any) -> contextlib.AbstractContextManager[None]:
    """Stand for :func:`ensembler.engines.local.start_worker_ahead`."""
    return contextlib.nullcontext()
