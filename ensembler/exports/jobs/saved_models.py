"""SavedModels, which Keras writes and TensorFlow runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...errors import BadChoice
from ...stacking.card import CARD_FILE
from ..card import ExportCard
from .calibration import CalibrationPhotos
from .signature import EXTRA_FOLDER


def write_saved_model(model: Any, card: ExportCard, place: Path, calibration: CalibrationPhotos) -> None:
    """Write a network as a SavedModel, which is a folder. The parameters are those of :data:`.WRITERS`."""
    del calibration
    if card.quantization != "none":
        raise BadChoice(f"A SavedModel cannot be quantised. Received: {card.quantization}")
    export_saved_model(model, place, single_photo=card.single_photo)
    (place / EXTRA_FOLDER).mkdir()
    (place / EXTRA_FOLDER / CARD_FILE).write_text(card.to_text(), "utf-8")


def export_saved_model(model: Any, place: Path, *, single_photo: bool) -> None:
    """Export a network by Keras, with inputs of the names of its own."""
    import tensorflow as tf

    batch = 1 if single_photo else None
    inputs = [tf.TensorSpec((batch, *tensor.shape[1:]), tf.float32, tensor.name) for tensor in model.inputs]
    signature = [inputs] if isinstance(model.input, list) else inputs
    model.export(place, format="tf_saved_model", verbose=False, input_signature=signature)
