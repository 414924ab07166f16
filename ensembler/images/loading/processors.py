"""Number of processors that this process may use."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from pathlib import Path

from ...machine_memory import find_control_groups, read_text


def count_processors(processes: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int:
    """Return the number of processors that this process may use.

    These are the machine's, or the share of a job beside others, or what a container's quota of processor time allows:
    more processes than that would be stopped for a part of each period.

    Parameters
    ----------
    processes, cgroups
        Linux's folders of processes and of control groups, which other systems lack.
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    share = os.environ.get("OMP_NUM_THREADS", "")
    shares = [int(share)] if share.isdecimal() and int(share) else []
    return min([usable, *shares, *_iterate_quotas(processes, cgroups)])


def _iterate_quotas(processes: Path, cgroups: Path) -> Iterator[int]:
    """Iterate over the processors that the control groups allow, begun ones counted as whole."""
    for version, group in find_control_groups("cpu", processes, cgroups):
        names = ["cpu.max"] if version == 2 else ["cpu.cfs_quota_us", "cpu.cfs_period_us"]
        # No quota is "max" in version 2, and -1 in version 1.
        quota = re.fullmatch(r"(\d+) (\d+)", " ".join(read_text(group / name).strip() for name in names))
        if quota and int(quota[1]) and int(quota[2]):
            yield math.ceil(int(quota[1]) / int(quota[2]))
