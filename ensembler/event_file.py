"""Events as lines of JSON in a file, for a notebook or another program that follows a run."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import Any
from uuid import uuid4

from .errors import StorageError
from .events import Event, TaskAdvanced
from .progress import Progress

_SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)$", re.IGNORECASE)
# Shorter values stand in ordinary words too.
_MIN_SECRET_LENGTH = 6
# What stands before the host and behind the path of an address may be a password or a signature.
_ADDRESS = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)(?:[^\s/@]+@)?(?P<rest>[^\s?#]*)(?:[?#][^\s'\"<>]*)?")


class EventFile(Progress):
    """Appends each event as a line of JSON; other processes may append to the same file.

    Parameters
    ----------
    path
        The file; it and its folder are created if needed.
    on_error
        Receives a message, once, if the disk refuses later on; the work goes on without the file.
    now
        Returns the time of day.

    Raises
    ------
    StorageError
        If the file cannot be written.
    """

    def __init__(
        self,
        path: Path,
        *,
        on_error: Callable[[str], None] = lambda _: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.run_id = uuid4().hex[:12]
        self._now = now
        self._on_error = on_error
        self._lock = RLock()
        self._file: int | None = _open_for_appending(path)

    def emit(self, event: Event) -> None:
        """Append a line, whole and at once; steps of tasks, which are many, are left out."""
        if isinstance(event, TaskAdvanced):
            return
        facts: dict[str, Any] = make_publishable(event.to_json(), os.environ)
        time_of_day = self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"time": time_of_day, "run": self.run_id, **facts}
        with self._lock:
            self._append(json.dumps(line, allow_nan=False) + "\n")

    def _append(self, line: str) -> None:
        if self._file is None:
            return
        try:
            content = line.encode()
            while content:
                content = content[os.write(self._file, content) :]
        except OSError as error:
            self.close()
            self._on_error(f"{StorageError.from_os(error)} No more events are written.")

    def close(self) -> None:
        """Write no more."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None


def _open_for_appending(path: Path) -> int:
    """Open a file for whole lines at its end; a line that a power cut left unfinished is ended first."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        if path.is_file() and _is_cut_off(path):
            os.write(file, b"\n")
    except OSError as error:
        # Some calls do not say with which file.
        error.filename = error.filename or str(path)
        raise StorageError.from_os(error) from error
    return file


def _is_cut_off(path: Path) -> bool:
    with path.open("rb") as opened:
        size = opened.seek(0, os.SEEK_END)
        opened.seek(max(0, size - 1))
        return opened.read(1) not in (b"", b"\n")


def make_publishable(value: Any, environment: Mapping[str, str]) -> Any:
    """Replace what may be secret in all texts of a value, and NaN and infinity by None, which JSON has a word for.

    Values of variables that are named like a key, token, secret or password become ``***``. URLs lose what precedes
    their host and follows their path, where passwords and signatures are.
    """
    if isinstance(value, dict):
        return {name: make_publishable(part, environment) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [make_publishable(part, environment) for part in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if not isinstance(value, str):
        return value
    for name, secret in environment.items():
        if _SECRET_NAME.search(name) and len(secret) >= _MIN_SECRET_LENGTH:
            value = value.replace(secret, "***")
    return _ADDRESS.sub(r"\g<scheme>\g<rest>", value)
