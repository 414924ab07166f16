"""How much main memory a process holds, where the system tells."""

from __future__ import annotations

import os
from pathlib import Path


def resident_bytes(process: int | None = None, processes: Path = Path("/proc")) -> int | None:
    """Tell how many bytes of main memory a process holds.

    Parameters
    ----------
    process
        Its number; None is this process.
    processes
        Where Linux tells about processes; elsewhere it does not exist.

    Returns
    -------
    int or None
        None if the process is gone, or on systems that do not tell in this way.
    """
    try:
        told = (processes / str(process or "self") / "statm").read_text("ascii")
        return int(told.split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return None
