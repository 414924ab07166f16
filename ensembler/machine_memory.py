"""How much main memory jobs may use: this machine's, or less in a container."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

# Taken where the system does not tell: little enough for any machine that TensorFlow runs on.
_FALLBACK_BYTES = 8 * 2**30


def read_machine_memory(processes: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int:
    """Tell how many bytes of main memory this process may use: the machine's, or its container's limit.

    All of it rather than what is free just now, so that what is derived from it is the same in the next run.

    Parameters
    ----------
    processes, cgroups
        Where Linux tells about memory and about limits; elsewhere they do not exist.
    """
    return min([_read_physical_memory(processes), *_iterate_limits(processes, cgroups)])


def _read_physical_memory(processes: Path) -> int:
    """Read ``/proc/meminfo``, which some containers have their own of; else ask the system."""
    total = re.search(r"^MemTotal:\s*(\d+) kB", _read_text(processes / "meminfo"), re.MULTILINE)
    if total:
        return int(total[1]) * 1024
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return _FALLBACK_BYTES


def _iterate_limits(processes: Path, cgroups: Path) -> Iterator[int]:
    """Limits of our control group and of all around it."""
    for root, file, path in _find_memory_groups(processes, cgroups):
        # In a container the path may be that outside it; then only the root is there, which is the container's own.
        group = root / path.lstrip("/")
        for place in (group, *group.parents):
            if place.is_relative_to(root) and (limit := _read_text(place / file).strip()).isdecimal():
                yield int(limit)


def _find_memory_groups(processes: Path, cgroups: Path) -> Iterator[tuple[Path, str, str]]:
    """Find where our control groups of memory are: the root, the name of the limit's file, the path below the root."""
    groups = _read_text(processes / "self" / "cgroup")
    for controllers, path in re.findall(r"^\d+:([^:\n]*):(.*)$", groups, re.MULTILINE):
        if not controllers:  # version 2
            yield cgroups, "memory.max", path
        elif "memory" in controllers.split(","):  # version 1
            yield cgroups / "memory", "memory.limit_in_bytes", path


def _read_text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""
