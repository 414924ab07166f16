"""The answer, made where the competition's photos are mounted and there is no network: this runs in the notebook.

In a code competition Kaggle runs the notebook again on hidden photos, with a sample submission of their ids at the same
place. So ids and photos are taken from what is mounted, never from tables of ours.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ....competition.csv_tables import write_table
from ....competition.manifest import Manifest
from ....competition.tables import Tables
from ....errors import BadData, counted
from ....progress import Progress, Task
from ....stacking.jobs.prediction import open_network, predict_photos
from ...answer import answer_table, check_answer
from ..bundle import MANIFEST, MODEL, Bundle
from ..mounted import Mounted, find_mount

BATCH = 32
_SHOWN = 3
# Seconds between two lines that tell how far the work is.
_LINE_EVERY = 20.0


class PrintedLines(Progress):
    """Progress as plain lines, which is what a notebook's log keeps."""

    def start(self, label: str, total: int) -> Task:
        """Tell the beginning of a stretch of work."""
        return _Line(label, total)

    def note(self, text: str) -> None:
        """Tell something worth knowing."""
        _tell(text)

    def warn(self, text: str) -> None:
        """Tell something to be looked at."""
        _tell(f"Warning: {text}")


class _Line(Task):
    def __init__(self, label: str, total: int) -> None:
        self.label, self.total, self.done = label, total, 0
        self.began = self.told = time.monotonic()

    def advance(self, steps: int = 1) -> None:
        self.done += steps
        if time.monotonic() - self.told >= _LINE_EVERY:
            self.told = time.monotonic()
            _tell(self._line())

    def finish(self) -> None:
        _tell(self._line())

    def _line(self) -> str:
        return f"{self.label}: {self.done} of {self.total} in {time.monotonic() - self.began:.0f} s"


def _tell(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def answer_offline(
    bundle_list: Path, inputs: Path, output: Path, competition: Path | None = None, progress: Progress | None = None
) -> Path:
    """Predict the mounted photos with the bundle's stack and write the submission.

    Parameters
    ----------
    bundle_list
        The bundle's list, beside its files.
    inputs
        Folder that everything is mounted below, ``/kaggle/input``.
    output
        The CSV to write.
    competition
        The competition's own folder; None finds it below ``inputs``.
    progress
        Hears how far the work is; None prints lines.

    Returns
    -------
    Path
        The CSV, checked against the sample submission.

    Raises
    ------
    BadData
        If the bundle, the sample submission or the photos are not there or cannot be used.
    """
    progress = progress or PrintedLines()
    bundle, folder = Bundle.load(bundle_list), bundle_list.parent
    manifest = Manifest.load(folder / MANIFEST)
    with tempfile.TemporaryDirectory() as scratch:
        root = competition or find_mount(bundle.competition, inputs)
        mounted = Mounted.open(manifest, root, Path(scratch), progress)
        model = _load(folder / MODEL, bundle, progress)
        asked = mounted.asked()
        probabilities, problems = predict_readable(model, [Path(path) for path in asked["path"] if path], progress)
        tables = _tables(bundle, manifest, root, asked, problems)
        _tell_unreadable(tables, progress)
        write_table(output, answer_table(tables, probabilities))
        check_answer(output, manifest, mounted.sample_root)
    progress.note(f"{output}: {counted(asked, 'row')}, as the sample submission asks.")
    return output


def _load(path: Path, bundle: Bundle, progress: Progress) -> Any:
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    model = open_network(path, "push the notebook again.")
    import keras

    if model.output_shape[-1] != len(bundle.outputs):
        raise BadData(f"{path} gives {model.output_shape[-1]} values, not one of {list(bundle.outputs)}: push again.")
    progress.note(f"{bundle.stack}: {counted(model.inputs, 'photo size')}, Keras {keras.__version__}.")
    return model


def predict_readable(model: Any, paths: Sequence[Path], progress: Progress) -> tuple[NDArray[np.float32], list[int]]:
    """Predict photos; return the probabilities of those that can be read, and the places of the others in ``paths``.

    Raises
    ------
    BadData
        If no photo can be read, or the stack gives values that are no numbers.
    """
    probabilities, problems = predict_photos(model, paths, BATCH, progress, skip_unreadable=True)
    if len(problems) == len(paths):
        first = f" (first: {problems[0]})" if problems else ""
        raise BadData(f"None of {counted(paths, 'photo')} can be read{first}: are they photos?")
    return np.delete(probabilities, list(problems), axis=0), list(problems)


def _tables(bundle: Bundle, manifest: Manifest, root: Path, asked: pd.DataFrame, problems: list[int]) -> Tables:
    """Give the tables that an answer is made from; of training photos only their labels are known, and needed."""
    labels = [label for label, count in bundle.labels.items() for _ in range(count)]
    train = pd.DataFrame({"id": [str(row) for row in range(len(labels))], "path": "", "label": labels, "group": ""})
    there = np.flatnonzero(asked["path"] != "")
    paths = asked["path"].to_numpy(dtype=object).copy()
    paths[there[problems]] = ""
    return Tables(manifest, root, train, asked.assign(path=paths))


def _tell_unreadable(tables: Tables, progress: Progress) -> None:
    lost = tables.test.loc[~tables.readable_test, "id"].tolist()
    if lost:
        more = ", ..." if len(lost) > _SHOWN else ""
        progress.warn(
            f"{counted(lost, 'photo')} missing or unreadable, answered by the prior: {', '.join(lost[:_SHOWN])}{more}"
        )
