"""Converts a stack or a member to files of other runtimes, and predicts the photos that they are compared on."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...errors import StorageError
from ...inference.jobs.speed import describe_device
from ...members.records import MemberRecord
from ...paths import CompetitionFolder
from ...progress import Progress
from ...serialization import make_record, write_arrays
from ...stacking.jobs.prediction import open_network, predict_photos
from ..card import ExportCard
from .calibration import CalibrationPhotos
from .check import BATCH_SIZE, measure_milliseconds

_MAX_REASON = 300


def convert_network(spec: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Write the files of a network, and predict the photos that they are compared on with Keras.

    Parameters
    ----------
    spec
        Options of the job. ``stack``: a ``stack.keras``, or ``competition``, ``member`` and ``refit``. ``files``: for
        each file its ``path`` and its ``card`` without inputs. ``photos`` and ``calibration``: paths of photos.
        ``predictions``: the ``.npz`` file to write, with ``probabilities`` of shape (photos, outputs).
    progress
        Receiver of finished photos and files, and of a note about networks in mixed precision.

    Returns
    -------
    dict
        ``problems``: reasons by the path of the files that cannot be written. ``milliseconds`` and
        ``milliseconds_in_batch`` of Keras. ``machine``: processor and number of threads.
    """
    _use_processor_alone()
    model = _load_network(spec)
    if _use_float32(model):
        progress.note("Layers that were trained in mixed precision are exported, and compared, in float32.")
    cards = [make_record(each["card"], ExportCard, "the job") for each in spec["files"]]
    rule = cards[0].network.pixel_rule
    paths = [Path(path) for path in spec["photos"]]
    predicted, _ = predict_photos(model, paths, BATCH_SIZE, progress, rule, skip_unreadable=False)
    write_arrays(Path(spec["predictions"]), probabilities=predicted)
    times = measure_milliseconds(model, paths, rule, single_photo=False)
    sizes = {tensor.name: int(tensor.shape[1]) for tensor in model.inputs}
    calibration = [Path(path) for path in spec["calibration"]]
    problems = {}
    files = list(zip(spec["files"], cards, strict=True))
    for file, card in progress.track(files, "write files", len(files)):
        place = Path(file["path"])
        complete = replace(card, inputs=tuple(sizes))
        if problem := _write(model, complete, place, sizes, calibration):
            problems[str(place)] = problem
    device = describe_device(BATCH_SIZE)
    return {"problems": problems, "machine": f"{device.device}, {device.threads} threads", **times}


def _write(model: Any, card: ExportCard, place: Path, sizes: dict[str, int], calibration: list[Path]) -> str:
    """Write one file. Return why it cannot be written, or an empty string."""
    from .writers import WRITERS

    try:
        WRITERS[card.format](model, card, place, CalibrationPhotos(calibration, sizes, card.network.pixel_rule))
    except OSError as error:
        if not StorageError.is_refusal(error):
            raise
        # The libraries rarely name the file.
        raise StorageError.from_os(error, place.parent, "the environment variable TMPDIR") from error
    except Exception as error:  # noqa: BLE001  # converters raise anything, and other formats may succeed
        reason = " ".join(str(error).split())[:_MAX_REASON]
        return f"it cannot be converted ({type(error).__name__}: {reason})"
    return ""


def _load_network(spec: dict[str, Any]) -> Any:
    if "stack" in spec:
        return open_network(
            Path(spec["stack"]), "build the stack again, or install the version of Keras that wrote it."
        )
    from ...stacking.jobs.keras_stack import build_member_network

    folder = CompetitionFolder(Path(spec["competition"]))
    record = MemberRecord.load(folder, spec["member"])
    model = build_member_network(folder, record, "member", refit=bool(spec["refit"]))
    model.compile(jit_compile=False)
    return model


def _use_processor_alone() -> None:
    """Hide GPUs, whose convolutions round to 10 bits, because files are compared on the processor."""
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    import tensorflow as tf

    tf.config.set_visible_devices([], "GPU")


def _use_float32(model: Any) -> bool:
    """Let all layers compute in float32, and return whether any did not. Weights are float32 anyway."""
    import keras

    mixed = [layer for layer in model._flatten_layers() if layer.compute_dtype not in ("float32", None)]
    for layer in mixed:
        layer.dtype_policy = keras.DTypePolicy("float32")
    return bool(mixed)
