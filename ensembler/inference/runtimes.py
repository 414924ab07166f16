"""The choice of the runtime: Keras, or another one that saves more time than its conversion costs."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import Literal, cast, get_args

from ..errors import BadChoice

# keras: the network unchanged; graph: TensorFlow's graph with constant weights; onnx: ONNX Runtime; openvino: OpenVINO
# in float32 or in bfloat16.
Runtime = Literal["keras", "graph", "onnx", "openvino", "openvino-bfloat16"]
RuntimeChoice = Literal["auto", Runtime]
RuntimePrecision = Literal["float32", "bfloat16"]
RuntimePrecisionChoice = Literal["auto", RuntimePrecision]

# The runtime in 16 bits, which only --runtime-precision chooses.
SIXTEEN_BIT: Runtime = "openvino-bfloat16"
RUNTIME_VARIABLE = "ENSEMBLER_RUNTIME"
_PACKAGES: dict[Runtime, tuple[str, ...]] = {
    "onnx": ("onnxruntime", "tf2onnx"),
    "openvino": ("openvino",),
    SIXTEEN_BIT: ("openvino",),
}
# Seconds of Keras's work from which other runtimes are measured. The measurement takes about fifteen, once per network
# and machine.
MIN_SECONDS_TO_MEASURE = 40.0


def is_installed(runtime: Runtime, find: Callable[[str], object | None] = find_spec) -> bool:
    """Return whether the packages of a runtime are installed, apart from Keras's backend."""
    return all(find(name) is not None for name in _PACKAGES.get(runtime, ()))


def read_runtime(value: str | None, installed: Callable[[Runtime], bool] = is_installed) -> RuntimeChoice:
    """Return the runtime of ``--runtime``, else of the variable ``ENSEMBLER_RUNTIME``, else ``auto``.

    Raises
    ------
    BadChoice
        If the runtime is unknown or not installed.
    """
    name = value or os.environ.get(RUNTIME_VARIABLE) or "auto"
    known = ("auto", *(runtime for runtime in get_args(Runtime) if runtime != SIXTEEN_BIT))
    if name not in known:
        raise BadChoice.from_unknown_name("runtime", name, known)
    if name != "auto" and not installed(cast(Runtime, name)):
        raise BadChoice(
            f"`--runtime {name}` needs packages that are not installed: install them with "
            f"`pip install 'ensembler[{name}]'`, or choose another runtime."
        )
    return cast(RuntimeChoice, name)


def read_runtime_precision(
    value: str | None, runtime: RuntimeChoice, installed: Callable[[Runtime], bool] = is_installed
) -> RuntimePrecisionChoice:
    """Return the precision of ``--runtime-precision``, else ``auto``.

    Parameters
    ----------
    runtime
        Result of :func:`read_runtime`.

    Raises
    ------
    BadChoice
        If the precision is unknown, or the runtime cannot compute in it.
    """
    name = value or "auto"
    known = get_args(RuntimePrecisionChoice)
    if name not in known:
        raise BadChoice.from_unknown_name("runtime precision", name, known)
    if name == "bfloat16":
        if runtime not in ("auto", "openvino"):
            raise BadChoice(
                f"`--runtime-precision bfloat16` needs `--runtime openvino` or auto. Received: {runtime}. Leave one of "
                "the two out."
            )
        if not installed(SIXTEEN_BIT):
            raise BadChoice(
                "`--runtime-precision bfloat16` needs OpenVINO, which is not installed: run "
                "`pip install 'ensembler[openvino]'`, or choose another precision."
            )
    return cast(RuntimePrecisionChoice, name)


def find_precision(runtime: Runtime) -> RuntimePrecision:
    """Return the precision in which a runtime computes."""
    return "bfloat16" if runtime == SIXTEEN_BIT else "float32"
