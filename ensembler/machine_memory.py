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
    total = re.search(r"^MemTotal:\s*(\d+) kB", read_text(processes / "meminfo"), re.MULTILINE)
    if total:
        return int(total[1]) * 1024
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return _FALLBACK_BYTES


def _iterate_limits(processes: Path, cgroups: Path) -> Iterator[int]:
    """Iterate over the limits of this process's control group and all its parents."""
    for version, group in find_control_groups("memory", processes, cgroups):
        limit = read_text(group / ("memory.max" if version == 2 else "memory.limit_in_bytes")).strip()
        if limit.isdecimal():
            yield int(limit)


def find_control_groups(controller: str, processes: Path, cgroups: Path) -> Iterator[tuple[int, Path]]:
    """Find this process's control groups, and all their parents, in which ``controller`` may set limits.

    Yields
    ------
    tuple
        Version of the control groups, 1 or 2, and a group's folder, which may not exist.
    """
    groups = read_text(processes / "self" / "cgroup")
    for controllers, path in re.findall(r"^\d+:([^:\n]*):(.*)$", groups, re.MULTILINE):
        if controllers and controller not in controllers.split(","):
            continue
        version, root = (1, cgroups / controller) if controllers else (2, cgroups)
        # Inside a container the path may be the outer one. Then only the root exists, which is the container's.
        group = root / path.lstrip("/")
        yield from ((version, place) for place in (group, *group.parents) if place.is_relative_to(root))


def read_text(path: Path) -> str:
    """Return a file's text, which is empty if there is none."""
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""
