"""Whether TensorFlow computes by oneDNN on this machine: what was measured, else yes."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from ...errors import BadData, StorageError
from ...paths import locate_user_cache
from ...serialization import read_json, write_json

ONEDNN_VARIABLE = "TF_ENABLE_ONEDNN_OPTS"
ON, OFF = "1", "0"


def _locate_file() -> Path:
    return locate_user_cache() / "onednn.json"


def is_settled() -> bool:
    """Whether a person has chosen by the variable, or it was measured on this machine."""
    return ONEDNN_VARIABLE in os.environ or _read_measurement() is not None


def choose_setting() -> str:
    """Return the variable's value where a person has set none: off only where it was measured to be slower.

    TensorFlow itself leaves it off on x86 processors without AVX-512, though it is several times as fast there.
    """
    measured = _read_measurement()
    return OFF if measured and measured[OFF] < measured[ON] else ON


def write_measurement(seconds: dict[str, float]) -> None:
    """Keep what the same work took with it (``1``) and without it (``0``); a disk that refuses costs a measurement."""
    try:
        write_json(_locate_file(), {"host": socket.gethostname(), "seconds": seconds})
    except StorageError:
        return


def _read_measurement() -> dict[str, float] | None:
    try:
        data = read_json(_locate_file())
        seconds = {value: float(data["seconds"][value]) for value in (ON, OFF)}
    except (BadData, KeyError, TypeError, ValueError):
        return None
    return seconds if data.get("host") == socket.gethostname() else None
