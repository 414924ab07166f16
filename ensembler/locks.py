"""One process at a time: who works on files holds a lock beside them, which goes when its process does.

On one machine the operating system knows who lives, and frees the lock of a process that died. Network drives know that
of other machines late, wrongly or not at all, so a note beside the lock names its holder, and the holder touches the
note as long as it lives. A note of another machine that nobody has touched for :data:`STALE_AFTER_SECONDS` seconds is
that of the dead, and its lock is taken over; one that was touched since counts, whatever the drive says.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import Any

from filelock import BaseFileLock, FileLock, Timeout

from .errors import Busy, StorageError

# Seconds between two touches, and after which nobody is expected to touch any more: drives tell the time of a file up
# to a minute late.
HEARTBEAT_SECONDS = 20.0
STALE_AFTER_SECONDS = 300.0


@contextlib.contextmanager
def hold_lock(path: Path, what: str) -> Iterator[None]:
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
        If another process holds it, which it names. The lock of a process that died is free.
    StorageError
        If the disk refuses.
    """
    note = _Note(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file_lock = _acquire(path, note, what)
    except OSError as error:
        raise StorageError.from_os(error) from error
    ended = Event()
    Thread(target=_keep_touching, args=(note.path, ended), daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        note.path.unlink(missing_ok=True)
        file_lock.release()


def describe_holder(path: Path) -> str:
    """Tell who holds the lock ``path``, as ``process 7 on HOST since TIME``; empty if nobody does."""
    note = _Note(path)
    # What is not noted is free, so a lock that nobody holds is hardly ever touched here.
    if not note.path.is_file():
        return ""
    try:
        if note.is_held_elsewhere():
            return note.describe_holder()
        file_lock = _try_to_acquire(path)
        if file_lock is None:
            return "" if note.is_stale() else note.describe_holder()
    except OSError:
        # On a disk that takes no writing nobody trains.
        return ""
    file_lock.release()
    return ""


def _acquire(path: Path, note: _Note, what: str) -> BaseFileLock:
    """Take the lock and write the note."""
    file_lock = _try_to_acquire(path)
    if file_lock is None and note.is_stale():
        # The drive holds the lock for a machine that is gone; a new file has no such lock.
        path.unlink(missing_ok=True)
        file_lock = _try_to_acquire(path)
    if file_lock is None:
        raise Busy(f"{what} is in use by {note.describe_holder()}: wait for it to end.")
    if note.is_held_elsewhere():
        file_lock.release()
        raise Busy(f"{what} is in use by {note.describe_holder()}: wait for it to end.")
    try:
        note.write()
    except OSError:
        file_lock.release()
        raise
    return file_lock


def _try_to_acquire(path: Path) -> BaseFileLock | None:
    """Take the lock by the operating system's word, if nobody holds it."""
    file_lock = FileLock(path)
    try:
        file_lock.acquire(timeout=0)
    except Timeout:
        return None
    return file_lock


def _keep_touching(note: Path, ended: Event) -> None:
    while not ended.wait(HEARTBEAT_SECONDS):
        with contextlib.suppress(OSError):
            os.utime(note)


class _Note:
    """Who holds a lock, and that they live."""

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(f"{path.name}.json")
        self._lock_path = path

    def write(self) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        data = {"host": socket.gethostname(), "process": os.getpid(), "since": now}
        self.path.write_text(json.dumps(data), "utf-8")

    def describe_holder(self) -> str:
        """Tell who holds the lock, as they wrote it down when they took it."""
        data = self._read()
        if not data:
            return "another process"
        silence = f", last heard of {self._measure_silence():.0f} s ago" if data["host"] != socket.gethostname() else ""
        return f"process {data['process']} on {data['host']} since {data['since']}{silence}"

    def is_held_elsewhere(self) -> bool:
        """Whether another machine's process holds the lock, whatever the drive says."""
        return self._is_of_another_machine() and self._measure_silence() < STALE_AFTER_SECONDS

    def is_stale(self) -> bool:
        """Whether the lock is that of another machine's process which no longer lives."""
        return self._is_of_another_machine() and self._measure_silence() >= STALE_AFTER_SECONDS

    def _is_of_another_machine(self) -> bool:
        data = self._read()
        return bool(data) and data["host"] != socket.gethostname()

    def _measure_silence(self) -> float:
        """Seconds since the note was touched, by the drive's own clock, which may differ from ours."""
        now = self.path.with_name(f"{self._lock_path.name}.{os.getpid()}.now")
        try:
            now.touch()
            return now.stat().st_mtime - self.path.stat().st_mtime
        except FileNotFoundError:
            return STALE_AFTER_SECONDS
        finally:
            now.unlink(missing_ok=True)

    def _read(self) -> dict[str, Any]:
        try:
            data = json.loads(self.path.read_text("utf-8"))
            return {name: data[name] for name in ("host", "process", "since")}
        except (OSError, ValueError, KeyError, TypeError):
            return {}
