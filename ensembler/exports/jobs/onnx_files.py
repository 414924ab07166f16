"""ONNX files, quantised by NNCF."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from ...inference.jobs.converted import export_onnx
from ...inference.jobs.onnx_session import make_session_options, open_session
from ...inference.jobs.openvino_session import refuse_telemetry
from ..card import CARD_KEY, ExportCard
from .calibration import CalibrationPhotos
from .tails import Operation, list_tail

_FEATURES = frozenset({"Conv", "ConvTranspose", "GlobalAveragePool", "AveragePool", "MaxPool", "ReduceMean"})
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

    NNCF corrects the biases afterwards. ONNX Runtime's ``quantize_static`` does not, and quadrupled the log loss of a
    small MobileNet, which it raises by a tenth.
    """
    refuse_telemetry()
    import nncf

    nncf.set_log_level(logging.ERROR)
    merged = _merge_batch_normalization(graph)
    operations = [Operation(node.name, node.op_type, node.input, node.output) for node in merged.graph.node]
    return nncf.quantize(
        merged,
        nncf.Dataset(calibration),
        subset_size=len(calibration),
        ignored_scope=nncf.IgnoredScope(names=list_tail(operations, _FEATURES), validate=False),
    )


def _merge_batch_normalization(graph: Any) -> Any:
    """Let ONNX Runtime merge scales into the weights of convolutions, which would otherwise be rounded before them."""
    import onnx
    from onnxruntime import GraphOptimizationLevel

    options = make_session_options()
    options.graph_optimization_level = GraphOptimizationLevel.ORT_ENABLE_BASIC
    with tempfile.TemporaryDirectory(prefix="ensembler-onnx-") as folder:
        options.optimized_model_filepath = str(Path(folder) / "merged.onnx")
        # The fusion would make the sum of two layers a product with a bias that is not constant, which NNCF refuses.
        open_session(graph.SerializeToString(), options, disabled_optimizers=["MatMulAddFusion"])
        merged = onnx.load(options.optimized_model_filepath)
    for number, node in enumerate(merged.graph.node):
        node.name = node.name or f"unnamed_{number}"
    return onnx.shape_inference.infer_shapes(merged)
