"""What a training's events, logs and samples of the GPU tell ``gpu_job.py``: epochs, compilation and idle time."""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

# A line of JSON.
Line = dict[str, Any]

# Lines that JAX writes with JAX_LOG_COMPILES=1. Tracing is left out, because its times contain each other.
_COMPILED = re.compile(r"Finished (?:XLA compilation|jaxpr to MLIR module conversion) .* in ([\d.]+) sec")


@dataclass(frozen=True)
class Epoch:
    """An epoch of a member.

    Attributes
    ----------
    began
        Time of its beginning in seconds since 1970.
    seconds
        Seconds of training, without evaluation.
    photos
        Number of photos.
    compiles
        Whether it is the first epoch of a fold in a process, which compiles the network and may decode photos.
    """

    member: str
    began: float
    seconds: float
    photos: int
    compiles: bool


def read_lines(path: Path) -> list[Line]:
    """Return the lines of JSON of a file, without one that a crash cut off."""
    found = []
    for line in path.read_text("utf-8").splitlines() if path.is_file() else ():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def list_epochs(events: Iterable[Line]) -> list[Epoch]:
    """Return the epochs that ended.

    The first one of a fold in each run of the command compiles. After an interruption, it also contains the seconds
    before the interruption.
    """
    began: dict[tuple[Any, ...], float] = {}
    seen: set[tuple[Any, ...]] = set()
    found = []
    for event in events:
        if event.get("event") not in ("epoch_began", "epoch_ended"):
            continue
        fold = (event["run"], event["member"], event["fold"])
        if event["event"] == "epoch_began":
            began[fold] = read_time(event["time"])
        elif fold in began:
            photos = round(event["photos_a_second"] * event["seconds"])
            found.append(Epoch(event["member"], began.pop(fold), event["seconds"], photos, fold not in seen))
            seen.add(fold)
    return found


def read_time(text: str) -> float:
    """Return the seconds since 1970 of an event's time."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def find_settings(events: Iterable[Line], member: str) -> Line | None:
    """Return the settings with which a member was planned last."""
    planned = [event for event in events if event.get("event") == "member_planned" and event["member"] == member]
    return planned[-1]["settings"] if planned else None


def list_job_members(events: Iterable[Line], run: str) -> dict[str, str]:
    """Return the member of each job that began in a run, an empty string for jobs of several."""
    planned: dict[str, str] = {}
    began = []
    for event in events:
        if event.get("run") == run and event.get("event") == "jobs_planned":
            planned |= {job["job"]: job["member"] for job in event["jobs"]}
        elif event.get("run") == run and event.get("event") == "job_began":
            began.append(event["job"])
    return {job: planned.get(job, "") for job in began}


def sum_compile_seconds(log: str) -> float | None:
    """Return the seconds of compilation in a log of JAX with JAX_LOG_COMPILES=1, or None if it has none."""
    found = [float(match[1]) for match in _COMPILED.finditer(log)]
    return sum(found) if found else None


def compute_idle_share(epochs: Iterable[Epoch], samples: Sequence[Line]) -> float | None:
    """Return the mean share of the time without work on the GPU, over samples during epochs. None without samples.

    ``nvidia-smi`` tells in which share of its period at least one kernel ran.
    """
    busy = [
        sample["busy"]
        for epoch in epochs
        for sample in samples
        if epoch.began <= sample["time"] <= epoch.began + epoch.seconds
    ]
    return 1 - statistics.mean(busy) / 100 if busy else None


def summarize(member: str, events: Sequence[Line], samples: Sequence[Line], compiled: Sequence[Line]) -> Line | None:
    """Return the figures of a member's training, or None if no epoch after a first one ended.

    Parameters
    ----------
    compiled
        Seconds of compilation by member, a line per process.
    """
    epochs = [epoch for epoch in list_epochs(events) if epoch.member == member]
    steady = [epoch for epoch in epochs if not epoch.compiles]
    first = [epoch.seconds for epoch in epochs if epoch.compiles]
    if not steady:
        return None
    seconds = statistics.median(epoch.seconds for epoch in steady)
    logged = [line["seconds"] for line in compiled if line["member"] == member and line["seconds"] is not None]
    memory = [e["gpu_memory"] for e in events if e.get("event") == "epoch_ended" and e["member"] == member]
    return {
        "epochs": len(steady),
        "photos": steady[-1].photos,
        "epoch_seconds": seconds,
        "photos_a_second": steady[-1].photos / seconds,
        "first_epoch_seconds": max(first),
        # The process that compiled most: later ones may find what it compiled.
        "compile_seconds": max(logged) if logged else max(0.0, max(first) - seconds),
        "compile_source": "JAX's log of the job, with prediction" if logged else "first epoch less the others",
        "gpu_idle": compute_idle_share(steady, samples),
        "gpu_memory": max((bytes_ for bytes_ in memory if bytes_), default=None),
    }


def compare_with_resident(training: Mapping[str, Any], resident: Mapping[str, Any] | None) -> Line:
    """Return the speed as a share of the same network's fed from the GPU's memory, and the idle share with its source.

    Both are None without the network fed from memory, unless samples of the GPU tell the idle share.
    """
    share = resident and training["photos_a_second"] / resident["photos_a_second"]
    if training["gpu_idle"] is not None:
        return {"share": share, "idle": training["gpu_idle"], "idle_source": "nvidia-smi"}
    idle = None if share is None else max(0.0, 1 - share)
    return {"share": share, "idle": idle, "idle_source": "1 - share"}
