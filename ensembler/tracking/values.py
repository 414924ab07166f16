"""What runs contain, in the form that MLflow takes: parameters, tags and metrics."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from typing import Any

from ..event_file import make_publishable
from ..versions import read_versions

# MLflow refuses longer values and names, and other characters in names.
MAX_VALUE_LENGTH, MAX_NAME_LENGTH = 5000, 250
_OTHER_CHARACTERS = re.compile(r"[^\w\-. /]", re.ASCII)


def flatten_settings(settings: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return settings as texts by name. A setting inside another has both names, such as ``phases.1.epochs``.

    Secrets are removed as from files of events.
    """
    flat: dict[str, str] = {}
    for name, value in settings.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping):
            flat |= flatten_settings(value, f"{key}.")
        elif isinstance(value, list | tuple) and any(isinstance(one, Mapping) for one in value):
            flat |= flatten_settings({str(number): one for number, one in enumerate(value, 1)}, f"{key}.")
        else:
            flat[clean_name(key)] = _format_value(value)
    return flat


def _format_value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_format_value, value)) or "none"
    text = "none" if value is None else f"{value:.12g}" if isinstance(value, float) else str(value)
    return str(make_publishable(text, os.environ))[:MAX_VALUE_LENGTH]


def clean_name(name: str) -> str:
    """Return a name that MLflow accepts for a parameter, a metric or a tag."""
    return _OTHER_CHARACTERS.sub("_", name)[:MAX_NAME_LENGTH]


def select_metrics(values: Mapping[str, float | None]) -> dict[str, float]:
    """Return the known, finite values by clean name."""
    return {
        clean_name(name): float(value) for name, value in values.items() if value is not None and math.isfinite(value)
    }


def list_version_tags() -> dict[str, str]:
    """Return the versions of the packages that results depend on, and of Python, as tags."""
    return {f"version.{name}": value for name, value in read_versions().items()}
