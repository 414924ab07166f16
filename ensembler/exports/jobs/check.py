"""Runs an exported file in its own runtime: compares it, or predicts photos with it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ...competition.pixels import PixelRule
from ...images.decoding import decode_at_sizes
from ...inference.jobs.timing import BATCH_PREDICTIONS, SINGLE_PREDICTIONS, time_calls
from ...machine_limits import count_processors
from ...progress import Progress
from ...serialization import write_arrays
from ...stacking.jobs.prediction import predict_listed_photos, predict_photos
from ..formats import find_format
from .opened import ExportedNetwork, open_exported

# Number of photos in a batch, in comparisons and in their times.
BATCH_SIZE = 32


def check_file(spec: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Predict photos with an exported file, and measure its speed.

    Parameters
    ----------
    spec
        Options of the job. ``file``: the exported file. ``photos``: paths of photos. ``predictions``: the ``.npz`` file
        to write, with ``probabilities`` of shape (photos, outputs).
    progress
        Receiver of finished photos.

    Returns
    -------
    dict
        ``card`` in the file, ``milliseconds`` per photo alone, and ``milliseconds_in_batch``, or None for single
        photos.
    """
    file = Path(spec["file"])
    network = _open_alone(file)
    paths = [Path(path) for path in spec["photos"]]
    rule = network.card.network.pixel_rule
    predicted, _ = predict_photos(network, paths, BATCH_SIZE, progress, rule, skip_unreadable=False)
    write_arrays(Path(spec["predictions"]), probabilities=predicted)
    single_photo = network.card.single_photo
    return {"card": asdict(network.card), **measure_milliseconds(network, paths, rule, single_photo=single_photo)}


def _open_alone(file: Path) -> ExportedNetwork:
    """Open an exported file, and check that nothing but its own runtime was loaded for that."""
    kind = find_format(file)
    network = open_exported(file, kind, count_processors())
    if not kind.needs_tensorflow and (loaded := {"keras", "tensorflow"} & sys.modules.keys()):
        raise RuntimeError(f"{file} is run in a process that loaded {', '.join(sorted(loaded))}")
    return network


def measure_milliseconds(
    network: Any, paths: Sequence[Path], rule: PixelRule, *, single_photo: bool
) -> dict[str, float | None]:
    """Measure the time per photo alone and in a batch of 32, without decoding.

    Parameters
    ----------
    network
        Keras model, or :class:`.ExportedNetwork`.
    """
    sizes = [int(tensor.shape[1]) for tensor in network.inputs]
    photos = [decode_at_sizes(path, sizes, rule) for path in paths[:BATCH_SIZE]]
    batch = [np.resize(np.stack(of_size), (BATCH_SIZE, *of_size[0].shape)) for of_size in zip(*photos, strict=True)]

    def measure(photos: int, times: int) -> float:
        pixels = [array[:photos] for array in batch]
        seconds = time_calls(lambda: network.predict_on_batch(pixels if len(pixels) > 1 else pixels[0]), times)
        return 1000 * float(np.median(seconds)) / photos

    return {
        "milliseconds": measure(1, SINGLE_PREDICTIONS),
        "milliseconds_in_batch": None if single_photo else measure(BATCH_SIZE, BATCH_PREDICTIONS),
    }


def predict_exported(spec: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Predict photos with an exported file, see :func:`ensembler.stacking.jobs.loaded_stack.predict_files`.

    Returns
    -------
    dict
        A :class:`.PredictionReport`, and the ``card`` in the file.
    """
    network = _open_alone(Path(spec["model"]))
    report = predict_listed_photos(network, network.card.network.pixel_rule, spec, progress)
    return {**report, "card": asdict(network.card)}
