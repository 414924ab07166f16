"""One process at a time: who works on files holds a lock beside them, which goes when its process does."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from .errors import Busy, StorageError


@contextlib.contextmanager
def held(path: Path, what: str) -> Iterator[None]:
    """Hold the lock ``path`` for as long as the block lasts.

    Parameters
    ----------
    path : Path
        The lock's file; its folder is made if need be. It stays, empty, when nobody holds the lock.
    what : str
        What it is for, as the error tells it.

    Raises
    ------
    Busy
        If another process holds it, which it names. The operating system frees the lock of a process that died.
    StorageError
        If the disk refuses.
    """
    lock = FileLock(path)
    note = path.with_name(f"{path.name}.json")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        note.write_text(json.dumps({"host": socket.gethostname(), "process": os.getpid(), "since": now}), "utf-8")
    except Timeout:
        raise Busy(f"{what} is in use by {_holder(note)}: wait for it to end.") from None
    except OSError as error:
        raise StorageError.from_os(error) from error
    try:
        yield
    finally:
        note.unlink(missing_ok=True)
        lock.release()


def holder(path: Path) -> str:
    """Tell who holds the lock ``path``, as ``process 7 on HOST since TIME``; empty if nobody does."""
    note = path.with_name(f"{path.name}.json")
    # What is not noted is free, so a lock that nobody holds is hardly ever touched here.
    if not note.is_file():
        return ""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return _holder(note)
    except OSError:
        # On a disk that takes no writing nobody trains.
        return ""
    lock.release()
    return ""


def _holder(note: Path) -> str:
    """Tell who holds a lock, as they wrote it down when they took it."""
    try:
        told = json.loads(note.read_text("utf-8"))
        return f"process {told['process']} on {told['host']} since {told['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
