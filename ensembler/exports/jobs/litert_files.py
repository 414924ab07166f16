"""LiteRT's files, formerly TensorFlow Lite, quantised by TensorFlow's converter."""

from __future__ import annotations

import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ...inference.jobs.converted import ignore_jit
from ...stacking.card import CARD_FILE
from ..card import ExportCard
from .calibration import CalibrationPhotos
from .saved_models import export_saved_model
from .signature import SIGNATURE
from .tails import Operation, list_tail

_FEATURES = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "AVERAGE_POOL_2D", "MAX_POOL_2D", "MEAN"})


def write_litert(model: Any, card: ExportCard, place: Path, calibration: CalibrationPhotos) -> None:
    """Write a network as a ``.tflite`` file. The parameters are those of :data:`.WRITERS`.

    The card is in a zip at the end of the file, where the metadata format of TensorFlow Lite keeps associated files.
    Keras's own LiteRT export allows operations of TensorFlow that LiteRT lacks, and compiled functions, so the
    SavedModel between them is written here.
    """
    with tempfile.TemporaryDirectory(prefix="ensembler-litert-") as folder:
        saved = Path(folder) / "model"
        with ignore_jit():
            export_saved_model(model, saved, single_photo=card.single_photo)
        place.write_bytes(_convert(saved, card, calibration, Path(folder)))
    with zipfile.ZipFile(place, "a") as archive:
        archive.writestr(CARD_FILE, card.to_text())


def _convert(saved: Path, card: ExportCard, calibration: CalibrationPhotos, scratch: Path) -> bytes:
    import tensorflow as tf

    converter = _make_converter(saved)
    if card.quantization == "fp16":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    elif card.quantization == "int8":
        # Operations without a kernel of 8 bits stay float32.
        converter.target_spec.supported_ops.insert(0, tf.lite.OpsSet.TFLITE_BUILTINS_INT8)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        return _quantize(converter, _list_tail(bytes(_make_converter(saved).convert()), scratch), calibration)
    return bytes(converter.convert())


def _make_converter(saved: Path) -> Any:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved), signature_keys=[SIGNATURE])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    return converter


def _quantize(converter: Any, tail: list[str], calibration: CalibrationPhotos) -> bytes:
    """Quantise everything but the tail, with ranges measured on the photos, which are named by input."""
    import tensorflow as tf

    def iterate_samples() -> Iterator[dict[str, Any]]:
        yield from calibration

    converter.representative_dataset = iterate_samples
    # The only public way to leave out operations by name.
    options = tf.lite.experimental.QuantizationDebugOptions(denylisted_nodes=tail)
    with warnings.catch_warnings():
        # It has an interpreter of its own, whose successor is another package.
        warnings.simplefilter("ignore", UserWarning)
        debugger = tf.lite.experimental.QuantizationDebugger(
            converter=converter, debug_dataset=iterate_samples, debug_options=options
        )
        return bytes(debugger.get_nondebug_quantized_model())


def _list_tail(content: bytes, scratch: Path) -> list[str]:
    """List the tail by the names that the converter gives operations: those of the tensors that they make."""
    from tensorflow.lite.python import schema_py_generated as schema
    from tensorflow.lite.tools import flatbuffer_utils

    (scratch / "float.tflite").write_bytes(content)
    read = flatbuffer_utils.read_model(str(scratch / "float.tflite"))
    [graph] = read.subgraphs
    kinds = {number: name for name, number in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in read.operatorCodes]
    operations = [
        Operation(
            graph.tensors[each.outputs[0]].name.decode(), kinds[codes[each.opcodeIndex]], *map(tuple, _get_ends(each))
        )
        for each in graph.operators
    ]
    return list_tail(operations, _FEATURES)


def _get_ends(operator: Any) -> tuple[Any, Any]:
    return np.atleast_1d(operator.inputs), np.atleast_1d(operator.outputs)
