"""Prediction of the mounted photos without a network, which runs inside the notebook.

In a code competition Kaggle runs the notebook again on hidden photos, with a sample submission of their ids at the same
path. So ids and photos come only from the mounted files.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ....competition.manifest import Manifest
from ....competition.pixels import PixelRule
from ....competition.tables import Tables
from ....console import ConsoleProgress
from ....errors import BadData, format_count
from ....keras_backend import BACKEND_NAMES
from ....progress import Progress
from ....stacking.jobs.prediction import open_network, predict_photos
from ...answer import check_answer, write_answer_table
from ..bundle import MANIFEST_FILE, MODEL_FILE, Bundle
from ..mounted import MountedCompetition, find_mount

BATCH_SIZE = 32
_MAX_SHOWN = 3


def answer_offline(
    bundle_list: Path, inputs: Path, output: Path, competition: Path | None = None, progress: Progress | None = None
) -> Path:
    """Predict the mounted photos with the bundle's stack and write the submission.

    Parameters
    ----------
    bundle_list
        List of the bundle, beside its files.
    inputs
        Folder that contains all mounted files, ``/kaggle/input``.
    output
        CSV to write. It is checked against the sample submission.
    competition
        Folder of the competition. None finds it below ``inputs``.
    progress
        Receiver of progress and events. None prints lines.
    """
    # The log of a code competition is all that its author sees, so it shows every step, however short.
    progress = progress or ConsoleProgress(file=sys.stdout, verbose=True)
    bundle, folder = Bundle.load(bundle_list), bundle_list.parent
    manifest = Manifest.load(folder / MANIFEST_FILE)
    with tempfile.TemporaryDirectory() as scratch:
        root = competition or find_mount(bundle.competition, inputs)
        mounted = MountedCompetition.open(manifest, root, Path(scratch), progress)
        model = _load_model(folder / MODEL_FILE, bundle, progress)
        requested = mounted.read_requested_photos()
        paths = [Path(path) for path in requested["path"] if path]
        probabilities, problems = predict_readable(model, paths, progress, manifest.pixels)
        tables = _build_tables(bundle, manifest, root, requested, problems)
        _warn_unreadable(tables, progress)
        write_answer_table(output, tables, probabilities)
        check_answer(output, manifest, mounted.sample_root)
    progress.note(f"Wrote {output} with the {format_count(requested, 'row')} of the sample submission.")
    return output


def _load_model(path: Path, bundle: Bundle, progress: Progress) -> Any:
    model = open_network(path, "push the notebook again.")
    import keras

    if model.output_shape[-1] != len(bundle.outputs):
        raise BadData(
            f"{path} has {model.output_shape[-1]} outputs instead of {len(bundle.outputs)}: push the notebook again."
        )
    backend = BACKEND_NAMES.get(keras.backend.backend(), keras.backend.backend())
    sizes = format_count(model.inputs, "photo size")
    progress.note(f"{bundle.stack}: {sizes}, Keras {keras.__version__} on {backend}.")
    return model


def predict_readable(
    model: Any, paths: Sequence[Path], progress: Progress, rule: PixelRule
) -> tuple[NDArray[np.float32], list[int]]:
    """Return the probabilities of the readable photos, and the positions of the others in ``paths``."""
    probabilities, problems = predict_photos(model, paths, BATCH_SIZE, progress, rule, skip_unreadable=True)
    if len(problems) == len(paths):
        first = f" (first: {problems[0]})" if problems else ""
        raise BadData(f"None of {format_count(paths, 'photo')} can be read{first}: check the files.")
    return np.delete(probabilities, list(problems), axis=0), list(problems)


def _build_tables(
    bundle: Bundle, manifest: Manifest, root: Path, requested: pd.DataFrame, problems: list[int]
) -> Tables:
    """Return the tables that a submission is made from. Only the labels of training photos are known, and needed."""
    labels = [label for label, count in bundle.labels.items() for _ in range(count)]
    train = pd.DataFrame({"id": [str(row) for row in range(len(labels))], "path": "", "label": labels, "group": ""})
    found_rows = np.flatnonzero(requested["path"] != "")
    paths = requested["path"].to_numpy(dtype=object).copy()
    paths[found_rows[problems]] = ""
    return Tables(manifest, root, train, requested.assign(path=paths))


def _warn_unreadable(tables: Tables, progress: Progress) -> None:
    unreadable = tables.test.loc[~tables.readable_test, "id"].tolist()
    if unreadable:
        more = ", ..." if len(unreadable) > _MAX_SHOWN else ""
        progress.warn(
            f"{format_count(unreadable, 'photo')} missing or unreadable, so the prior is used: "
            f"{', '.join(unreadable[:_MAX_SHOWN])}{more}"
        )
