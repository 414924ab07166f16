"""Main memory of a process, where the operating system reports it."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import mmap
import os
from pathlib import Path
from typing import Any


def read_resident_bytes(process: int | None = None, processes: Path = Path("/proc")) -> int | None:
    """Return the resident memory of a process.

    Parameters
    ----------
    process
        Number of the process. None is this process.
    processes
        Linux's folder of processes, which other systems lack.

    Returns
    -------
    int or None
        Bytes, or None if the process is gone or the system reports nothing.
    """
    try:
        fields = (processes / str(process or "self") / "statm").read_text("ascii")
        return int(fields.split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return None


def reset_peak(processes: Path = Path("/proc")) -> None:
    """Reset the peak that :func:`read_peak_bytes` returns, where the system supports it."""
    with contextlib.suppress(OSError):
        (processes / "self" / "clear_refs").write_text("5", "ascii")


def read_peak_bytes(processes: Path = Path("/proc")) -> int | None:
    """Return the peak resident memory of this process in bytes since :func:`reset_peak`, or None if unknown."""
    try:
        lines = (processes / "self" / "status").read_text("ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, ValueError, StopIteration):
        return None


def release_memory() -> None:
    """Delete what nothing refers to, and return freed memory to the system where the C library can (glibc)."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def release_pages(mapped: Any) -> None:
    """Release the resident pages of a memory-mapped file.

    Without this, a process appears to hold everything it has ever read. The system's cache keeps the pages, so the next
    access is as fast.

    Parameters
    ----------
    mapped
        Array backed by a memory-mapped file, or a view of one. Other arrays are ignored.
    """
    while mapped is not None and not isinstance(mapped, mmap.mmap):
        mapped = getattr(mapped, "base", None)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)
