"""Events as lines of JSON in a file, for programs that follow a run."""

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
# Shorter values may be part of ordinary words.
_MIN_SECRET_LENGTH = 6
# The part of an address before its host may contain a password, and the part after its path a signature.
_ADDRESS = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)(?:[^\s/@]+@)?(?P<rest>[^\s?#]*)(?:[?#][^\s'\"<>]*)?")


class EventFile(Progress):
    """Append each event to a file as a line of JSON. Other processes may append to the same file.

    Parameters
    ----------
    path
        Path of the file. The file and its folder are created if necessary.
    on_error
        Function that receives a message if a later write fails. It is called once, and work continues without the file.
    now
        Function that returns the current time.

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
        """Append an event at once. Steps of tasks are left out, because there are too many."""
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
        """Close the file. Later events are ignored."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None


def _open_for_appending(path: Path) -> int:
    """Open a file for appending lines, and end the last line if a power failure left it incomplete."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        if path.is_file() and _is_cut_off(path):
            os.write(file, b"\n")
    except OSError as error:
        # Some calls do not set the file name.
        error.filename = error.filename or str(path)
        raise StorageError.from_os(error) from error
    return file


def _is_cut_off(path: Path) -> bool:
    with path.open("rb") as opened:
        size = opened.seek(0, os.SEEK_END)
        opened.seek(max(0, size - 1))
        return opened.read(1) not in (b"", b"\n")


def make_publishable(value: Any, environment: Mapping[str, str]) -> Any:
    """Remove secrets from all texts of a value, and replace NaN and infinity by None, which JSON supports.

    Values of environment variables whose names end with KEY, TOKEN, SECRET or PASSWORD become ``***``. URLs lose
    everything before their host and after their path, which may contain passwords and signatures.
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
