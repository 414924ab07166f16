"""Environment of the package from a checkout, on machines where it is not installed and that have no network."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path


def make_environment(checkout: Path, work: Path, wheels: Path | None) -> dict[str, str]:
    """Return the environment of processes that run the checkout, after installing missing packages of ``wheels``.

    Packages are installed below ``work``, each only if this Python lacks it.
    """
    site = work.absolute() / "site"
    if wheels is not None:
        missing = [wheel for wheel in sorted(wheels.glob("*.whl")) if is_missing(wheel, site)]
        if missing:
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", str(site)]
            subprocess.run([*pip, *map(str, missing)], check=True)
    places = [str(checkout), *([str(site)] if site.is_dir() else []), os.environ.get("PYTHONPATH", "")]
    if site.is_dir() and str(site) not in sys.path:
        # After the packages of this Python, as for the processes that it starts.
        sys.path.append(str(site))
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, places))}


def is_missing(wheel: Path, site: Path) -> bool:
    """Return whether neither this Python nor ``site`` has the distribution of a wheel."""
    name = wheel.name.partition("-")[0]
    if any(site.glob(f"{name}-*.dist-info")):
        return False
    try:
        distribution(name.replace("_", "-"))
    except PackageNotFoundError:
        return True
    return False
