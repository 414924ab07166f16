"""Sessions of ONNX Runtime on the processor."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def make_session_options(threads: int = 0) -> Any:
    """Return options of a session on ``threads`` processors, all by default, that reports errors only."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Errors only, because users cannot act on its warnings.
    options.log_severity_level = 3
    return options


def open_session(network: bytes | Path, options: Any, **settings: Any) -> Any:
    """Open an ONNX network, or a file of one, on the processor."""
    import onnxruntime

    return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"], **settings)
