"""Versions of Python and of the packages that results depend on."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version

from .keras_backend import Backend, find_backend_if_any

_BACKEND_PACKAGES: Mapping[Backend, tuple[str, ...]] = {"tensorflow": ("tensorflow",), "jax": ("jax", "jaxlib")}


def list_packages(backend: Backend | None = None) -> tuple[str, ...]:
    """Return the names of the packages that results depend on.

    Parameters
    ----------
    backend
        Backend of Keras. None is the one that jobs use. Packages of another backend do not count.
    """
    backend = backend or find_backend_if_any()
    return ("ensembler", *(_BACKEND_PACKAGES[backend] if backend else ()), "keras", "numpy", "scikit-learn")


def read_versions(packages: Iterable[str] | None = None) -> dict[str, str]:
    """Return the versions of Python and of the installed ``packages`` by name.

    Parameters
    ----------
    packages
        Names of packages. None is :func:`list_packages`.
    """
    versions = {"python": platform.python_version()}
    for name in list_packages() if packages is None else packages:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
