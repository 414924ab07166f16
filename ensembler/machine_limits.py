"""Memory and processors that jobs may use: those of the machine, or the limits of its container."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from pathlib import Path

# Assumed where the system reports nothing: small enough for any machine that runs TensorFlow.
_FALLBACK_BYTES = 8 * 2**30
# Variables that give a job its share of the processors.
_SHARES = ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS")


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


def count_usable_processors(processes: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int:
    """Return the number of processors that the processes of this user may use together.

    These are the machine's, or what a container's quota of processor time allows: more threads than that would be
    stopped for a part of each period.

    Parameters
    ----------
    processes, cgroups
        Linux's folders of processes and of control groups, which other systems lack.
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min([usable, *_iterate_quotas(processes, cgroups)])


def count_processors(processes: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int:
    """Return the number of processors that this process may use: its share, if jobs run side by side.

    Parameters
    ----------
    processes, cgroups
        Parameters of :func:`count_usable_processors`.
    """
    shares = [os.environ.get(name, "") for name in _SHARES]
    usable = count_usable_processors(processes, cgroups)
    return min([usable, *(int(share) for share in shares if share.isdecimal() and int(share))])


def _iterate_quotas(processes: Path, cgroups: Path) -> Iterator[int]:
    """Iterate over the processors that the control groups allow, begun ones counted as whole."""
    for version, group in find_control_groups("cpu", processes, cgroups):
        names = ["cpu.max"] if version == 2 else ["cpu.cfs_quota_us", "cpu.cfs_period_us"]
        # No quota is "max" in version 2, and -1 in version 1.
        quota = re.fullmatch(r"(\d+) (\d+)", " ".join(read_text(group / name).strip() for name in names))
        if quota and int(quota[1]) and int(quota[2]):
            yield math.ceil(int(quota[1]) / int(quota[2]))


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
