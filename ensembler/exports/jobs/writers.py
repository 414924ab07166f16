"""The function that writes each format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..card import ExportCard
from ..formats import FormatName
from .calibration import CalibrationPhotos
from .litert_files import write_litert
from .onnx_files import write_onnx
from .openvino_files import write_openvino
from .saved_models import write_saved_model

# Each takes a Keras model, the card of the file, the path of its main file, and photos for the ranges of int8.
WRITERS: Mapping[FormatName, Callable[[Any, ExportCard, Path, CalibrationPhotos], None]] = {
    "savedmodel": write_saved_model,
    "onnx": write_onnx,
    "litert": write_litert,
    "openvino": write_openvino,
}
