"""Lengths of time as a person types and reads them."""

from __future__ import annotations

import math
import re

from .kinds import Unfit

_FORM = re.compile("".join(rf"(?:(\d+(?:\.\d+)?){unit})?" for unit in ("h", "m", "s", "ms")))
_SECONDS = (3600, 60, 1, 0.001)


def read_duration(value: object) -> float:
    """Read a length of time: ``20ms``, ``90s``, ``10m``, ``1h30m``, ``2h``, or a number of seconds.

    Returns
    -------
    float
        Seconds, above 0.

    Raises
    ------
    Unfit
        If it is none.
    """
    seconds = _seconds(value)
    if not (math.isfinite(seconds) and seconds > 0):
        raise Unfit("takes a length of time such as 90s, 10m, 1h30m or 2h")
    return seconds


def _seconds(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    found = _FORM.fullmatch(re.sub(r"\s", "", value).lower()) if isinstance(value, str) else None
    if not found:
        return math.nan
    return sum(float(part or 0) * unit for part, unit in zip(found.groups(), _SECONDS, strict=True))


def duration_text(seconds: float) -> str:
    """Write a length of time in at most two units: ``45s``, ``5m 40s``, ``1h 30m``; :func:`read_duration` reads it."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return _two(whole // 60, "m", whole % 60, "s")
    minutes = round(seconds / 60)
    return _two(minutes // 60, "h", minutes % 60, "m")


def _two(large: int, unit: str, small: int, smaller: str) -> str:
    return f"{large}{unit} {small}{smaller}" if small else f"{large}{unit}"
