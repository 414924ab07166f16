"""Versions of Python and of the packages that determine results, which all machines of a cluster must share."""

from __future__ import annotations

from collections.abc import Mapping

from ... import versions
from ...keras_backend import Backend


def read_versions(backend: Backend | None = None) -> dict[str, str]:
    """Return the versions of this machine by name. A package without metadata has an empty one.

    Parameters
    ----------
    backend
        Backend of Keras that jobs use. None is the one that this machine would choose.
    """
    packages = versions.list_packages(backend)
    return {**dict.fromkeys(packages, ""), **versions.read_versions(packages)}


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
