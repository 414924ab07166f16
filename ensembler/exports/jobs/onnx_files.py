"""ONNX files, quantised by ONNX Runtime's own tools."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from ...inference.jobs.converted import export_onnx
from ..card import CARD_KEY, ExportCard
from .calibration import CalibrationPhotos
from .tails import Operation, list_tail

_FEATURES = frozenset({"Conv", "ConvTranspose", "GlobalAveragePool", "AveragePool", "MaxPool", "ReduceMean"})
_QUANTISED = ["Conv", "ConvTranspose", "MatMul", "Gemm"]
# Smaller arrays stay float32, because they are biases, scales and the meta-learner.
_MIN_HALVED = 256


def write_onnx(model: Any, card: ExportCard, place: Path, calibration: CalibrationPhotos) -> None:
    """Write a network as an ONNX file with its card as metadata. The parameters are those of :data:`.WRITERS`."""
    import onnx

    graph = onnx.load_from_string(export_onnx(model, 1 if card.single_photo else None, card.output))
    _merge_equal_weights(graph)
    if card.quantization == "fp16":
        _halve_weights(graph)
    elif card.quantization == "int8":
        graph = _quantize(graph, calibration)
    onnx.helper.set_model_props(graph, {CARD_KEY: card.to_text()})
    onnx.checker.check_model(graph)
    onnx.save(graph, place)


def _merge_equal_weights(graph: Any) -> None:
    """Store equal weights once. A network that sees a photo and its mirror image has each twice after conversion."""
    first: dict[tuple[int, tuple[int, ...], bytes], str] = {}
    renamed = {}
    for weights in list(graph.graph.initializer):
        kept = first.setdefault((weights.data_type, tuple(weights.dims), weights.raw_data), weights.name)
        if weights.raw_data and kept != weights.name:
            renamed[weights.name] = kept
            graph.graph.initializer.remove(weights)
    for node in graph.graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = renamed.get(name, name)


def _halve_weights(graph: Any) -> None:
    """Store weights in float16, and convert them back when the file is loaded.

    All arithmetic stays float32, as in LiteRT and OpenVINO. The converter of ONNX Runtime also computes in float16,
    which overflowed to NaN in the networks that it was tried on, and which its CPU kernels mostly lack.
    """
    import onnx

    casts, halved = [], []
    for weights in graph.graph.initializer:
        if weights.data_type != onnx.TensorProto.FLOAT or np.prod(weights.dims) < _MIN_HALVED:
            continue
        name = weights.name
        array = onnx.numpy_helper.to_array(weights).clip(*_get_half_range())
        halved.append((weights, onnx.numpy_helper.from_array(array.astype(np.float16), f"{name}/fp16")))
        casts.append(onnx.helper.make_node("Cast", [f"{name}/fp16"], [name], f"{name}/cast", to=onnx.TensorProto.FLOAT))
    for weights, half in halved:
        weights.CopyFrom(half)
    for node in reversed(casts):
        graph.graph.node.insert(0, node)


def _get_half_range() -> tuple[float, float]:
    limits = np.finfo(np.float16)
    return float(limits.min), float(limits.max)


def _quantize(graph: Any, calibration: CalibrationPhotos) -> Any:
    """Quantise convolutions and products to 8 bits, with ranges measured on the photos.

    BatchNormalization is merged into the convolutions first, because their weights would otherwise be rounded before
    they are scaled.
    """
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime is untyped
        def __init__(self) -> None:
            self._samples = iter(calibration)

        def get_next(self) -> Any:
            return next(self._samples, None)

    with tempfile.TemporaryDirectory(prefix="ensembler-onnx-") as folder:
        raw, merged, quantized = (Path(folder) / f"{name}.onnx" for name in ("raw", "merged", "quantized"))
        onnx.save(graph, raw)
        # The symbolic inference of shapes would need SymPy, and only serves graphs whose shapes are computed.
        quant_pre_process(raw, merged, skip_symbolic_shape=True)
        optimized = onnx.load(merged)
        for number, node in enumerate(optimized.graph.node):
            node.name = node.name or f"unnamed_{number}"
        onnx.save(optimized, merged)
        operations = [Operation(node.name, node.op_type, node.input, node.output) for node in optimized.graph.node]
        quantize_static(
            merged,
            quantized,
            Reader(),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=_QUANTISED,
            nodes_to_exclude=list_tail(operations, _FEATURES),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return onnx.load(quantized)
