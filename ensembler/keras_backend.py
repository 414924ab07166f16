"""The backend of Keras, TensorFlow or JAX, chosen without importing Keras."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, cast, get_args

from .errors import BadChoice

Backend = Literal["tensorflow", "jax"]
BACKEND_NAMES: Mapping[Backend, str] = {"tensorflow": "TensorFlow", "jax": "JAX"}
DEFAULT_BACKEND: Backend = "tensorflow"

BACKEND_VARIABLE = "KERAS_BACKEND"


def find_backend(find: Callable[[str], object | None] = find_spec) -> Backend:
    """Return the backend that jobs use.

    The variable ``KERAS_BACKEND`` decides, else Keras's configuration file, else TensorFlow if it is installed, else
    JAX. Keras alone would not fall back to JAX.

    Parameters
    ----------
    find
        Function that returns None for the name of a package that is not installed.

    Raises
    ------
    BadChoice
        If the backend is not supported, or no backend is installed.
    """
    name, source = _read_choice()
    if not name:
        for backend in get_args(Backend):
            if find(backend) is not None:
                return cast(Backend, backend)
        raise BadChoice(
            "Neither TensorFlow nor JAX is installed: run pip install 'ensembler[tensorflow]' or "
            "pip install 'ensembler[jax]'."
        )
    if name not in get_args(Backend):
        raise BadChoice(f"{source} chooses the Keras backend {name!r}: choose tensorflow or jax.")
    if find(name) is None:
        raise BadChoice(
            f"{source} chooses the Keras backend {name}, which is not installed: run pip install 'ensembler[{name}]', "
            "or choose another backend."
        )
    return cast(Backend, name)


def find_backend_if_any() -> Backend | None:
    """Return the backend that jobs use. None if :func:`find_backend` would refuse, for jobs that can do without."""
    try:
        return find_backend()
    except BadChoice:
        return None


def _read_choice() -> tuple[str, str]:
    """Return the backend that the user chose and where, or two empty strings."""
    if name := os.environ.get(BACKEND_VARIABLE):
        return name, f"The variable {BACKEND_VARIABLE}"
    home = os.environ.get("KERAS_HOME")
    path = (Path(home) if home else Path.home() / ".keras") / "keras.json"
    try:
        name = json.loads(path.read_text("utf-8")).get("backend", "")
    except (OSError, ValueError, AttributeError):
        return "", ""
    # Keras writes this file with its default by itself, so a default that is not installed is not a choice.
    return ("", "") if name == "tensorflow" and find_spec(name) is None else (str(name), str(path))
