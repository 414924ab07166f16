"""Versions of Python and of the packages that determine results, which all machines of a cluster must share."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = ("ensembler", "tensorflow", "keras", "numpy")


def read_versions() -> dict[str, str]:
    """Return the versions of this machine by name. A package without metadata has an empty one."""
    return {"python": platform.python_version(), **{name: _read_version(name) for name in _PACKAGES}}


def describe_difference(host: str, here: Mapping[str, str], driver: Mapping[str, str]) -> str:
    """Return a sentence about versions of a node that differ from the driver's. Empty if there is none."""
    differing = [
        f"{name} {here.get(name) or 'of no known version'} instead of {wanted or 'one of no known version'}"
        for name, wanted in driver.items()
        if here.get(name) != wanted
    ]
    if not differing:
        return ""
    return f"The node {host} has {', '.join(differing)}: install the same versions on all machines of the cluster."


def _read_version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
