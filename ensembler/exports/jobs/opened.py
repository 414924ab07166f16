"""Exported files opened in their own runtimes, without Keras and, except for a SavedModel, without TensorFlow."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import BadData, EnsemblerError
from ...inference.jobs.onnx_session import make_session_options, open_session
from ...inference.jobs.openvino_session import compile_network, refuse_telemetry
from ...stacking.card import CARD_FILE
from ..card import CARD_KEY, ExportCard, read_card_text
from ..formats import Format, FormatName
from .signature import EXTRA_FOLDER, SIGNATURE

Pixels = Mapping[str, NDArray[np.float32]]


class Opened(NamedTuple):
    """The card in a file, and a function from pixels by the names of inputs to probabilities."""

    card: ExportCard
    run: Callable[[Pixels], Any]


class Input(NamedTuple):
    """An input of an exported network."""

    shape: tuple[int | None, int, int, int]


class ExportedNetwork:
    """An exported file in its runtime, with the attributes of a Keras model that predictions need.

    Parameters
    ----------
    card
        Card of the file.
    run
        Function of :class:`Opened`.

    Attributes
    ----------
    inputs
        Inputs in the order of the card's image sizes.
    output_shape
        Shape of the probabilities, (None, outputs).
    """

    def __init__(self, card: ExportCard, run: Callable[[Pixels], Any]) -> None:
        self.card = card
        self.inputs = tuple(Input((None, size, size, 3)) for size in card.network.image_sizes)
        self.output_shape = (None, len(card.network.outputs))
        self._run = run

    def predict_on_batch(self, pixels: Any) -> NDArray[np.float32]:
        """Predict an array of pixels, or a list with one for each input, and return probabilities.

        A file for single photos is run once for each.

        Raises
        ------
        BadData
            If a probability is NaN or infinite.
        """
        predicted = self._predict(pixels)
        if not np.isfinite(predicted).all():
            raise BadData(
                "the exported file returns NaN or infinity for these photos: export it again with another --format or "
                "--quantize."
            )
        return predicted

    def _predict(self, pixels: Any) -> NDArray[np.float32]:
        arrays = pixels if isinstance(pixels, list) else [pixels]
        named = {name: array.astype(np.float32) for name, array in zip(self.card.inputs, arrays, strict=True)}
        if not self.card.single_photo:
            return np.asarray(self._run(named), np.float32)
        rows = range(len(arrays[0]))
        single = [self._run({name: array[row : row + 1] for name, array in named.items()}) for row in rows]
        return np.concatenate([np.asarray(each, np.float32) for each in single])


def open_exported(path: Path, kind: Format, threads: int) -> ExportedNetwork:
    """Open an exported file in its runtime.

    Raises
    ------
    BadData
        If the runtime cannot read the file, or it has no card.
    Mismatch
        If another version wrote the file.
    """
    try:
        opened = _OPENERS[kind.name](path, threads)
    except EnsemblerError:
        raise
    except Exception as error:  # runtimes raise errors of any kind
        reason = " ".join(str(error).split())[-300:]
        raise BadData(f"{kind.runtime} cannot read {path} ({reason}): export it again.") from error
    return ExportedNetwork(opened.card, opened.run)


def _open_onnx(path: Path, threads: int) -> Opened:
    session = open_session(path, make_session_options(threads))
    card = read_card_text(session.get_modelmeta().custom_metadata_map.get(CARD_KEY, ""), path)
    return Opened(card, lambda pixels: session.run(None, dict(pixels))[0])


def _open_litert(path: Path, threads: int) -> Opened:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), num_threads=threads)
    card = read_card_text(_read_zipped_text(path), path)
    # The files of others need not have this signature.
    runner = interpreter.get_signature_runner(SIGNATURE)

    def run(pixels: Pixels) -> Any:
        [probabilities] = runner(**pixels).values()
        return probabilities

    return Opened(card, run)


def _read_zipped_text(path: Path) -> str:
    """Return the card in the zip at the end of a file, or an empty string."""
    if not zipfile.is_zipfile(path):
        return ""
    with zipfile.ZipFile(path) as archive:
        return archive.read(CARD_FILE).decode("utf-8") if CARD_FILE in archive.namelist() else ""


def _open_openvino(path: Path, threads: int) -> Opened:
    refuse_telemetry()
    import openvino

    network = openvino.Core().read_model(path)
    text = network.get_rt_info([CARD_KEY]).astype(str) if network.has_rt_info([CARD_KEY]) else ""
    card = read_card_text(text, path)
    compiled = compile_network(network, threads)
    return Opened(card, lambda pixels: compiled(dict(pixels))[0])


def _open_saved_model(path: Path, threads: int) -> Opened:
    del threads  # TensorFlow reads the number from the environment of the job.
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    card_file = path / EXTRA_FOLDER / CARD_FILE
    card = read_card_text(card_file.read_text("utf-8") if card_file.is_file() else "", path)
    predict = loaded.signatures[SIGNATURE]

    def run(pixels: Pixels) -> Any:
        # The model must live as long as its function.
        assert loaded is not None  # noqa: S101
        [probabilities] = predict(**{name: tf.constant(array) for name, array in pixels.items()}).values()
        return probabilities

    return Opened(card, run)


_OPENERS: Mapping[FormatName, Callable[[Path, int], Opened]] = {
    "savedmodel": _open_saved_model,
    "onnx": _open_onnx,
    "litert": _open_litert,
    "openvino": _open_openvino,
}
