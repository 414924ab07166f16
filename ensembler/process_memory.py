"""How much main memory a process holds, where the system tells."""

from __future__ import annotations

import contextlib
import mmap
import os
from pathlib import Path
from typing import Any


def read_resident_bytes(process: int | None = None, processes: Path = Path("/proc")) -> int | None:
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
        fields = (processes / str(process or "self") / "statm").read_text("ascii")
        return int(fields.split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return None


def reset_peak(processes: Path = Path("/proc")) -> None:
    """Have :func:`read_peak_bytes` tell of what comes from now on, where the system can do that."""
    with contextlib.suppress(OSError):
        (processes / "self" / "clear_refs").write_text("5", "ascii")


def read_peak_bytes(processes: Path = Path("/proc")) -> int | None:
    """Tell the most main memory that this process held since :func:`reset_peak`; None where nobody tells."""
    try:
        lines = (processes / "self" / "status").read_text("ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, ValueError, StopIteration):
        return None


def release_pages(mapped: Any) -> None:
    """Give back the memory in which a process sees a file that is mapped into it for reading.

    The system's own copy stays, so the next look at it is as quick; else a process would seem to hold all that it has
    ever looked at.

    Parameters
    ----------
    mapped
        An array whose memory is such a file's, or a part of one; others are left as they are.
    """
    while mapped is not None and not isinstance(mapped, mmap.mmap):
        mapped = getattr(mapped, "base", None)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)
