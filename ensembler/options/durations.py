"""Lengths of time as text."""

from __future__ import annotations

import math
import re

from .kinds import InvalidValue

_PATTERN = re.compile("".join(rf"(?:(\d+(?:\.\d+)?){unit})?" for unit in ("h", "m", "s", "ms")))
_UNIT_SECONDS = (3600, 60, 1, 0.001)


def read_duration(value: object, *, examples: str = "90s, 10m, 1h30m or 2h") -> float:
    """Read a length of time: ``20ms``, ``90s``, ``10m``, ``1h30m``, ``2h``, or a number of seconds.

    Parameters
    ----------
    value
        Text or number.
    examples
        Usual values, which an error suggests.

    Returns
    -------
    float
        Seconds, above 0.

    Raises
    ------
    InvalidValue
        If the value is not a length of time.
    """
    seconds = _parse_seconds(value)
    if not (math.isfinite(seconds) and seconds > 0):
        raise InvalidValue(f"takes a length of time such as {examples}")
    return seconds


def read_photo_time(value: object) -> float:
    """Read the time that a photo takes, in the notation of :func:`read_duration`."""
    return read_duration(value, examples="20ms, 0.5s or 2s")


def _parse_seconds(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    match = _PATTERN.fullmatch(re.sub(r"\s", "", value).lower()) if isinstance(value, str) else None
    if not match:
        return math.nan
    return sum(float(part or 0) * unit for part, unit in zip(match.groups(), _UNIT_SECONDS, strict=True))


def format_duration(seconds: float) -> str:
    """Format a length of time in at most two units: ``45s``, ``5m 40s``, ``1h 30m``. :func:`read_duration` reads it."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return _format_units(whole // 60, "m", whole % 60, "s")
    minutes = round(seconds / 60)
    return _format_units(minutes // 60, "h", minutes % 60, "m")


def _format_units(large: int, unit: str, small: int, smaller: str) -> str:
    return f"{large}{unit} {small}{smaller}" if small else f"{large}{unit}"
