"""File locks, which allow one process at a time to work on files and end with their process.

On one machine, the operating system releases the lock of a process that died. Network drives may do so late or never
for other machines. Therefore a note beside the lock names its holder, and the holder touches the note regularly. If
another machine's note was not touched for :data:`STALE_AFTER_SECONDS` seconds, its holder is considered dead and the
lock is taken over. A note that was touched since then counts as a lock, whatever the drive reports.

An engine that lost the machine of a job tells the job's next process by :data:`LOST_HOLDERS_VARIABLE`. Notes of those
holders count for :data:`LOST_AFTER_SECONDS` only: several times the interval of touches, and more than drives are
late. A holder that lives nevertheless, on a machine that the engine only cannot reach, keeps touching, and its lock.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import Any

from filelock import BaseFileLock, FileLock, Timeout

from .errors import Busy, StorageError

# Seconds between two touches, and seconds after which a holder is considered dead. Drives may report the time of a
# file up to a minute late.
HEARTBEAT_SECONDS = 20.0
STALE_AFTER_SECONDS = 300.0
# The same for a holder whose engine lost it.
LOST_AFTER_SECONDS = 90.0
# Environment variable of holders that an engine lost.
LOST_HOLDERS_VARIABLE = "ENSEMBLER_LOST_HOLDERS"


@dataclass(frozen=True)
class Holder:
    """A process that may hold locks: the name of its machine, and its number."""

    host: str
    process: int


def format_holders(holders: Iterable[Holder]) -> str:
    """Return holders as the value of :data:`LOST_HOLDERS_VARIABLE`."""
    return json.dumps([[holder.host, holder.process] for holder in holders])


def _read_lost_holders() -> list[Holder]:
    return [Holder(*pair) for pair in json.loads(os.environ.get(LOST_HOLDERS_VARIABLE, "[]"))]


@contextlib.contextmanager
def hold_lock(path: Path, what: str) -> Iterator[None]:
    """Hold a lock within the block.

    Parameters
    ----------
    path
        Path of the lock file. Its folder is created if necessary. The empty file remains after the lock is released.
    what
        Description of what is locked, for the error.

    Raises
    ------
    Busy
        If another process holds the lock. The message names that process.
    StorageError
        If the lock cannot be written.
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
    """Describe the holder of a lock, such as ``process 7 on HOST since TIME``. Empty if the lock is free."""
    note = _Note(path)
    # Without a note the lock is free, so free locks are not touched here.
    if not note.path.is_file():
        return ""
    try:
        if note.is_held_elsewhere():
            return note.describe_holder()
        file_lock = _try_to_acquire(path)
        if file_lock is None:
            return "" if note.is_stale() else note.describe_holder()
    except OSError:
        # On a read-only disk, no process can hold a lock.
        return ""
    file_lock.release()
    return ""


def _acquire(path: Path, note: _Note, what: str) -> BaseFileLock:
    """Acquire the lock and write the note."""
    file_lock = _try_to_acquire(path)
    if file_lock is None and note.is_stale():
        # The drive still holds the lock of a machine that is gone. A new file has no lock.
        path.unlink(missing_ok=True)
        file_lock = _try_to_acquire(path)
    if file_lock is None:
        raise Busy(f"{what} is in use by {note.describe_holder()}: wait until it ends.")
    if note.is_held_elsewhere():
        file_lock.release()
        raise Busy(f"{what} is in use by {note.describe_holder()}: wait until it ends.")
    try:
        note.write()
    except OSError:
        file_lock.release()
        raise
    return file_lock


def _try_to_acquire(path: Path) -> BaseFileLock | None:
    """Acquire the operating system's lock, or return None if it is held."""
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
    """The note beside a lock, which names its holder and shows that the holder is alive."""

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(f"{path.name}.json")
        self._lock_path = path

    def write(self) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        data = {"host": socket.gethostname(), "process": os.getpid(), "since": now}
        self.path.write_text(json.dumps(data), "utf-8")

    def describe_holder(self) -> str:
        """Describe the holder as recorded in the note."""
        data = self._read()
        if not data:
            return "another process"
        silence = f", last seen {self._measure_silence():.0f} s ago" if data["host"] != socket.gethostname() else ""
        return f"process {data['process']} on {data['host']} since {data['since']}{silence}"

    def is_held_elsewhere(self) -> bool:
        """Return whether a living process of another machine holds the lock, whatever the drive reports."""
        return self._is_of_another_machine() and self._measure_silence() < self._patience

    def is_stale(self) -> bool:
        """Return whether the lock belongs to a dead process of another machine."""
        return self._is_of_another_machine() and self._measure_silence() >= self._patience

    @property
    def _patience(self) -> float:
        """Seconds without a touch after which the holder is considered dead."""
        data = self._read()
        lost = bool(data) and Holder(data["host"], data["process"]) in _read_lost_holders()
        return LOST_AFTER_SECONDS if lost else STALE_AFTER_SECONDS

    def _is_of_another_machine(self) -> bool:
        data = self._read()
        return bool(data) and data["host"] != socket.gethostname()

    def _measure_silence(self) -> float:
        """Return the seconds since the note was touched, by the drive's clock, which may differ from this machine's."""
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
