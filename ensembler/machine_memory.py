"""Main memory that jobs may use: that of the machine, or the limit of its container."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

# Assumed where the system reports nothing: small enough for any machine that runs TensorFlow.
_FALLBACK_BYTES = 8 * 2**30


def read_machine_memory(processes: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int:
    """Return the main memory that this process may use in bytes: that of the machine, or the container's limit.

    The total is returned, not the free part, so that settings derived from it are the same in the next run.

    Parameters
    ----------
    processes, cgroups
        Linux's folders of processes and of control groups, which other systems lack.
    """
    return min([_read_physical_memory(processes), *_iterate_limits(processes, cgroups)])


def _read_physical_memory(processes: Path) -> int:
    """Read ``/proc/meminfo``, which some containers replace, or ask the system."""
    total = re.search(r"^MemTotal:\s*(\d+) kB", _read_text(processes / "meminfo"), re.MULTILINE)
    if total:
        return int(total[1]) * 1024
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return _FALLBACK_BYTES


def _iterate_limits(processes: Path, cgroups: Path) -> Iterator[int]:
    """Iterate over the limits of this process's control group and all its parents."""
    for root, file, path in _find_memory_groups(processes, cgroups):
        # Inside a container the path may be the outer one. Then only the root exists, which is the container's.
        group = root / path.lstrip("/")
        for place in (group, *group.parents):
            if place.is_relative_to(root) and (limit := _read_text(place / file).strip()).isdecimal():
                yield int(limit)


def _find_memory_groups(processes: Path, cgroups: Path) -> Iterator[tuple[Path, str, str]]:
    """Find this process's memory control groups: root, name of the limit's file, and path below the root."""
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
