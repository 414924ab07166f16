"""OpenVINO's files, quantised by NNCF."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from ...inference.jobs.converted import convert_to_openvino
from ...inference.jobs.openvino_session import refuse_telemetry
from ..card import CARD_KEY, ExportCard
from .calibration import CalibrationPhotos
from .tails import Operation, list_tail

_FEATURES = frozenset(
    {"Convolution", "GroupConvolution", "ConvolutionBackpropData", "AvgPool", "MaxPool", "ReduceMean"}
)
# Neither is an operation that could be quantised.
_PASSIVE = frozenset({"Constant", "Parameter", "Result"})


def write_openvino(model: Any, card: ExportCard, place: Path, calibration: CalibrationPhotos) -> None:
    """Write a network as OpenVINO's ``.xml`` and ``.bin``. The parameters are those of :data:`.WRITERS`.

    The card is below ``rt_info`` in the ``.xml``.
    """
    refuse_telemetry()
    import openvino

    network = convert_to_openvino(model, 1 if card.single_photo else None)
    network.output(0).get_tensor().set_names({card.output})
    if card.quantization == "int8":
        network = _quantize(network, calibration)
    network.set_rt_info(card.to_text(), [CARD_KEY])
    openvino.save_model(network, place, compress_to_fp16=card.quantization == "fp16")


def _quantize(network: Any, calibration: CalibrationPhotos) -> Any:
    import nncf

    nncf.set_log_level(logging.ERROR)
    tail = list_tail(_list_operations(network), _FEATURES)
    return nncf.quantize(
        network,
        nncf.Dataset(calibration),
        subset_size=len(calibration),
        ignored_scope=nncf.IgnoredScope(names=tail, validate=False),
    )


def _list_operations(network: Any) -> list[Operation]:
    return [
        Operation(
            node.get_friendly_name(),
            node.get_type_name(),
            [port.get_source_output().get_node().get_friendly_name() for port in node.inputs()],
            [node.get_friendly_name()],
        )
        for node in network.get_ordered_ops()
        if node.get_type_name() not in _PASSIVE
    ]
