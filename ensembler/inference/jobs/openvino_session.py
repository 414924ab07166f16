"""OpenVINO on the processor: the conversion of networks, their compilation, and its telemetry, which jobs refuse."""

from __future__ import annotations

import sys
from typing import Any

from ..runtimes import RuntimePrecision

_HINTS: dict[RuntimePrecision, str] = {"float32": "f32", "bfloat16": "bf16"}


def refuse_telemetry() -> None:
    """Keep OpenVINO and NNCF from reporting their use to their makers, which they otherwise do on some machines."""
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # Python's way to forbid an import


def is_bfloat16_supported() -> bool:
    """Return whether OpenVINO computes in bfloat16 on this processor, such as one with AMX or AVX512-BF16."""
    refuse_telemetry()
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def compile_network(network: Any, threads: int, precision: RuntimePrecision = "float32") -> Any:
    """Compile a network of OpenVINO for the processor.

    Parameters
    ----------
    network
        Network, as OpenVINO's ``convert_model`` or ``read_model`` returns it.
    threads
        Number of processors to use.
    precision
        Precision of the arithmetic. It is always set, because processors with AMX would otherwise use bfloat16, which
        moves probabilities by up to 0.008.

    Raises
    ------
    ValueError
        If this processor cannot compute in this precision. OpenVINO itself would use float32 without a word.
    """
    import openvino

    hint = _HINTS[precision]
    settings = {"INFERENCE_PRECISION_HINT": hint, "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
    compiled = openvino.Core().compile_model(network, "CPU", settings)
    if compiled.get_property("INFERENCE_PRECISION_HINT").to_string() != hint:
        raise ValueError(f"this processor has no {precision} arithmetic")
    return compiled
