"""Prediction of photos by a stack's network, while threads decode the next photos."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ...competition.pixels import PixelRule
from ...errors import BadData, UnreadablePhoto
from ...images.batches import Misfits, iterate_readable_batches
from ...keras_backend import BACKEND_VARIABLE, find_backend
from ...paths import find_in_mirror
from ...progress import Progress
from ...serialization import convert_to_plain, write_arrays
from ..prediction_report import PredictionReport


def open_network(path: Path, remedy: str) -> Any:
    """Load a ``.keras`` file in safe mode for prediction.

    Parameters
    ----------
    path
        Path of the file.
    remedy
        Advice at the end of the error.

    Raises
    ------
    BadChoice
        If no backend of Keras is installed.
    BadData
        If the file cannot be read.
    """
    # TensorFlow and Keras read these variables when they are loaded, so they are imported afterwards.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if not os.environ.get(BACKEND_VARIABLE) and "keras" not in sys.modules:
        # Without the variable, Keras would not fall back to JAX.
        os.environ[BACKEND_VARIABLE] = find_backend()
    import keras

    from ...backbones.jobs.devices import compile_for_prediction

    try:
        model = keras.saving.load_model(path, compile=False)
    except (TypeError, ValueError, OSError, KeyError) as error:
        reason = " ".join(str(error).split())[-300:]
        raise BadData(f"Keras {keras.__version__} cannot read {path}: {reason}; {remedy}") from error
    compile_for_prediction(model)
    return model


def predict_photos(
    model: Any, paths: Sequence[Path], batch_size: int, progress: Progress, rule: PixelRule, *, skip_unreadable: bool
) -> tuple[NDArray[np.float32], dict[int, UnreadablePhoto]]:
    """Predict photos batch by batch, and warn of photos such as the competition had none.

    See :func:`predict_and_report` for the parameters, the results and the errors.
    """
    predicted, problems, report = predict_and_report(
        model, paths, batch_size, progress, rule, skip_unreadable=skip_unreadable
    )
    replace(report, unreadable=()).warn(rule, progress)
    return predicted, problems


def predict_and_report(
    model: Any, paths: Sequence[Path], batch_size: int, progress: Progress, rule: PixelRule, *, skip_unreadable: bool
) -> tuple[NDArray[np.float32], dict[int, UnreadablePhoto], PredictionReport]:
    """Predict photos batch by batch.

    Parameters
    ----------
    model
        Keras model of pixels from 0 to 255, with an input for each size of photos.
    paths
        Photos to decode.
    batch_size
        Number of photos in a batch.
    progress
        Receiver of a step for each batch.
    rule
        The competition's rule of pixels.
    skip_unreadable
        Whether to skip photos that cannot be decoded.

    Returns
    -------
    tuple
        Probabilities of shape (photos, outputs), with NaN for unreadable photos, the errors of these by their index in
        ``paths``, and what there is to warn of.

    Raises
    ------
    UnreadablePhoto
        If a photo cannot be decoded and ``skip_unreadable`` is False.
    BadData
        If the network returns NaN or infinity.
    """
    # Only one size of batch is compiled. It is small for few photos.
    batch_size = min(batch_size, max(1, len(paths)))
    sizes = [int(tensor.shape[1]) for tensor in model.inputs]
    probabilities = np.full((len(paths), model.output_shape[-1]), np.nan, np.float32)
    problems: dict[int, UnreadablePhoto] = {}
    misfits = Misfits()
    task = progress.start("predict photos", len(paths), unit="photos", photos=1)
    for number, batch in enumerate(iterate_readable_batches(paths, sizes, batch_size, rule, misfits)):
        progress.raise_if_stopping(f"after {number * batch_size} of {len(paths)} photos")
        readable: dict[int, tuple[NDArray[np.uint8], ...]] = {}
        for place, photo in enumerate(batch, number * batch_size):
            if not isinstance(photo, UnreadablePhoto):
                readable[place] = photo
            elif skip_unreadable:
                problems[place] = photo
            else:
                raise photo
        if readable:
            probabilities[list(readable)] = _predict_batch(model, list(readable.values()), batch_size)
        task.advance(len(batch))
    task.finish()
    report = PredictionReport(
        unreadable=tuple(str(problem) for _, problem in sorted(problems.items())),
        assumed=tuple(str(path) for path in paths if path in misfits.assumed),
        beyond=tuple(str(path) for path in paths if path in misfits.beyond),
    )
    return probabilities, problems, report


def predict_listed_photos(model: Any, rule: PixelRule, spec: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Predict the photos of a job; see :func:`.loaded_stack.predict_files` for its options and its result."""
    named = json.loads(Path(spec["photos"]).read_text("utf-8"))
    paths = [find_in_mirror(Path(path)) for path in named]
    predicted, problems, report = predict_and_report(
        model, paths, spec["batch_size"], progress, rule, skip_unreadable=True
    )
    write_arrays(Path(spec["predictions"]), probabilities=predicted)
    # A mirror of the photos is known to this machine alone.
    names = dict(zip(map(str, paths), named, strict=True))
    told = PredictionReport(
        unreadable=tuple(str(problems[row]).replace(str(paths[row]), named[row]) for row in sorted(problems)),
        assumed=tuple(names[name] for name in report.assumed),
        beyond=tuple(names[name] for name in report.beyond),
    )
    return cast("dict[str, Any]", convert_to_plain(told))


def _predict_batch(model: Any, photos: list[tuple[NDArray[np.uint8], ...]], batch_size: int) -> NDArray[np.float32]:
    padded = photos + photos[:1] * (batch_size - len(photos))
    pixels = [np.stack(of_size) for of_size in zip(*padded, strict=True)]
    predicted = np.asarray(model.predict_on_batch(pixels if len(pixels) > 1 else pixels[0]), np.float32)[: len(photos)]
    if not np.isfinite(predicted).all():
        raise BadData("The stack returns NaN or infinity for these photos: train its members again.")
    return predicted
