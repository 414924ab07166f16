"""Telemetry of OpenVINO, which jobs refuse."""

from __future__ import annotations

import sys


def refuse_telemetry() -> None:
    """Keep OpenVINO and NNCF from reporting their use to their makers, which they otherwise do on some machines."""
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # Python's way to forbid an import
