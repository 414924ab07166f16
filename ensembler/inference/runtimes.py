"""The choice of the runtime: Keras, or another one that saves more time than its conversion costs."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import Literal, cast, get_args

from ..errors import BadChoice

# keras: the network unchanged; graph: TensorFlow's graph with constant weights; onnx: ONNX Runtime.
Runtime = Literal["keras", "graph", "onnx"]
RuntimeChoice = Literal["auto", Runtime]

RUNTIME_VARIABLE = "ENSEMBLER_RUNTIME"
_PACKAGES = ("onnxruntime", "tf2onnx")
# Seconds of Keras's work from which other runtimes are measured. The measurement takes about ten, once per machine.
MIN_SECONDS_TO_MEASURE = 20.0


def is_installed(find: Callable[[str], object | None] = find_spec) -> bool:
    """Return whether the extra ``onnx`` is installed."""
    return all(find(name) is not None for name in _PACKAGES)


def read_runtime(value: str | None, installed: Callable[[], bool] = is_installed) -> RuntimeChoice:
    """Return the runtime of ``--runtime``, else of the variable ``ENSEMBLER_RUNTIME``, else ``auto``.

    Raises
    ------
    BadChoice
        If the runtime is unknown or not installed.
    """
    name = value or os.environ.get(RUNTIME_VARIABLE) or "auto"
    known = ("auto", *get_args(Runtime))
    if name not in known:
        raise BadChoice.from_unknown_name("runtime", name, known)
    if name == "onnx" and not installed():
        raise BadChoice(
            "`--runtime onnx` needs packages that are not installed: install them with "
            "`pip install 'ensembler[onnx]'`, or choose another runtime."
        )
    return cast(RuntimeChoice, name)
