"""One process at a time: who works on files holds a lock beside them, which goes when its process does.

On one machine the operating system knows who lives, and frees the lock of a process that died. Network drives know that
of other machines late, wrongly or not at all, so a note beside the lock names its holder, and the holder touches the
note as long as it lives. A note of another machine that nobody has touched for :data:`SILENT_FOR` seconds is that of
the dead, and its lock is taken over; one that was touched since counts, whatever the drive says.
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
HEARTBEAT = 20.0
SILENT_FOR = 300.0


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
        If another process holds it, which it names. The lock of a process that died is free.
    StorageError
        If the disk refuses.
    """
    note = _Note(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _taken(path, note, what)
    except OSError as error:
        raise StorageError.from_os(error) from error
    ended = Event()
    Thread(target=_keep_touching, args=(note.path, ended), daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        note.path.unlink(missing_ok=True)
        lock.release()


def holder(path: Path) -> str:
    """Tell who holds the lock ``path``, as ``process 7 on HOST since TIME``; empty if nobody does."""
    note = _Note(path)
    # What is not noted is free, so a lock that nobody holds is hardly ever touched here.
    if not note.path.is_file():
        return ""
    try:
        if note.is_of_the_living():
            return note.holder()
        lock = _free(path)
        if lock is None:
            return "" if note.is_of_the_dead() else note.holder()
    except OSError:
        # On a disk that takes no writing nobody trains.
        return ""
    lock.release()
    return ""


def _taken(path: Path, note: _Note, what: str) -> BaseFileLock:
    """Take the lock and write the note."""
    lock = _free(path)
    if lock is None and note.is_of_the_dead():
        # The drive holds the lock for a machine that is gone; a new file has no such lock.
        path.unlink(missing_ok=True)
        lock = _free(path)
    if lock is None:
        raise Busy(f"{what} is in use by {note.holder()}: wait for it to end.")
    if note.is_of_the_living():
        lock.release()
        raise Busy(f"{what} is in use by {note.holder()}: wait for it to end.")
    try:
        note.write()
    except OSError:
        lock.release()
        raise
    return lock


def _free(path: Path) -> BaseFileLock | None:
    """Take the lock by the operating system's word, if nobody holds it."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return None
    return lock


def _keep_touching(note: Path, ended: Event) -> None:
    while not ended.wait(HEARTBEAT):
        with contextlib.suppress(OSError):
            os.utime(note)


class _Note:
    """Who holds a lock, and that they live."""

    def __init__(self, lock: Path) -> None:
        self.path = lock.with_name(f"{lock.name}.json")
        self._lock = lock

    def write(self) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        told = {"host": socket.gethostname(), "process": os.getpid(), "since": now}
        self.path.write_text(json.dumps(told), "utf-8")

    def holder(self) -> str:
        """Tell who holds the lock, as they wrote it down when they took it."""
        told = self._read()
        if not told:
            return "another process"
        heard = f", last heard of {self._silence():.0f} s ago" if told["host"] != socket.gethostname() else ""
        return f"process {told['process']} on {told['host']} since {told['since']}{heard}"

    def is_of_the_living(self) -> bool:
        """Whether another machine's process holds the lock, whatever the drive says."""
        return self._is_of_another_machine() and self._silence() < SILENT_FOR

    def is_of_the_dead(self) -> bool:
        """Whether the lock is that of another machine's process which no longer lives."""
        return self._is_of_another_machine() and self._silence() >= SILENT_FOR

    def _is_of_another_machine(self) -> bool:
        told = self._read()
        return bool(told) and told["host"] != socket.gethostname()

    def _silence(self) -> float:
        """Seconds since the note was touched, by the drive's own clock, which may differ from ours."""
        now = self.path.with_name(f"{self._lock.name}.{os.getpid()}.now")
        try:
            now.touch()
            return now.stat().st_mtime - self.path.stat().st_mtime
        except FileNotFoundError:
            return SILENT_FOR
        finally:
            now.unlink(missing_ok=True)

    def _read(self) -> dict[str, Any]:
        try:
            told = json.loads(self.path.read_text("utf-8"))
            return {name: told[name] for name in ("host", "process", "since")}
        except (OSError, ValueError, KeyError, TypeError):
            return {}
