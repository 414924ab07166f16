"""The answer, made where the competition's photos are mounted and there is no network: this runs in the notebook.

In a code competition Kaggle runs the notebook again on hidden photos, with a sample submission of their ids at the same
place. So ids and photos are taken from what is mounted, never from tables of ours.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...competition.csv_tables import write_table
from ...competition.manifest import Manifest
from ...competition.tables import Tables
from ...errors import BadData, UnreadablePhoto, counted
from ...images.decoding import decode_photo
from ...progress import Progress, Task
from ..answer import answer_table, check_answer
from .bundle import MANIFEST, MODEL, Bundle
from .mounted import Mounted, find_mount

BATCH = 32
# Batches decoded ahead of the network; few, since the notebook's memory is not ours to fill.
AHEAD = 2
_SHOWN = 3
# Seconds between two lines that tell how far the work is.
_LINE_EVERY = 20.0

Photo = tuple[NDArray[np.uint8], ...]


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
        probabilities, problems = predict(model, [Path(path) for path in asked["path"] if path], progress)
        tables = _tables(bundle, manifest, root, asked, problems)
        _tell_unreadable(tables, progress)
        write_table(output, answer_table(tables, probabilities))
        check_answer(output, manifest, mounted.sample_root)
    progress.note(f"{output}: {counted(asked, 'row')}, as the sample submission asks.")
    return output


def predict(model: Any, paths: Sequence[Path], progress: Progress) -> tuple[NDArray[np.float32], dict[int, str]]:
    """Predict photos batch by batch.

    Parameters
    ----------
    model
        The stack, one input for each size of its members' photos.
    paths
        Photos to decode.
    progress
        Hears of each batch.

    Returns
    -------
    tuple
        Probabilities of the readable photos in their order, shape (photos, outputs); and what is wrong with each of
        the others, by its place in ``paths``.

    Raises
    ------
    BadData
        If no photo can be read, or the stack gives values that are no numbers.
    """
    sizes = [int(tensor.shape[1]) for tensor in model.inputs]
    parts: list[NDArray[np.float32]] = []
    problems: dict[int, str] = {}
    task = progress.start("predict photos", len(paths))
    for start, batch in _decoded(paths, sizes):
        problems |= {start + place: str(photo) for place, photo in enumerate(batch) if isinstance(photo, Exception)}
        if readable := [photo for photo in batch if not isinstance(photo, Exception)]:
            pixels = [np.stack(of_size) for of_size in zip(*readable, strict=True)]
            parts.append(np.asarray(model.predict_on_batch(pixels if len(pixels) > 1 else pixels[0])))
        task.advance(len(batch))
    task.finish()
    if not parts:
        raise BadData(f"None of {counted(paths, 'photo')} can be read (first: {problems[0]}): are they photos?")
    probabilities = np.concatenate(parts)
    if not np.isfinite(probabilities).all():
        raise BadData(f"{MODEL} gives values that are no numbers for these photos: train its members anew.")
    return probabilities, problems


def _decoded(paths: Sequence[Path], sizes: Sequence[int]) -> Iterator[tuple[int, list[Photo | UnreadablePhoto]]]:
    """Give batches in order, each with the place of its first photo, decoded while the network is busy."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting: deque[tuple[int, list[Future[Photo | UnreadablePhoto]]]] = deque()
        for start in range(0, len(paths), BATCH):
            waiting.append((start, [pool.submit(_decode, path, sizes) for path in paths[start : start + BATCH]]))
            if len(waiting) > AHEAD:
                yield _results(*waiting.popleft())
        while waiting:
            yield _results(*waiting.popleft())


def _results(start: int, futures: list[Future[Photo | UnreadablePhoto]]) -> tuple[int, list[Photo | UnreadablePhoto]]:
    return start, [future.result() for future in futures]


def _decode(path: Path, sizes: Sequence[int]) -> Photo | UnreadablePhoto:
    try:
        return tuple(decode_photo(path, size) for size in sizes)
    except UnreadablePhoto as error:
        return error


def _load(path: Path, bundle: Bundle, progress: Progress) -> Any:
    """Read the stack; TensorFlow looks at these variables when it is loaded, so it is loaded here."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras

    try:
        model = keras.saving.load_model(path, compile=False)
    except (TypeError, ValueError, OSError) as error:
        reason = " ".join(str(error).split())[-300:]
        raise BadData(f"Keras {keras.__version__} cannot read {path}: {reason}; push the notebook again.") from error
    model.compile(jit_compile=False)
    if model.output_shape[-1] != len(bundle.outputs):
        raise BadData(f"{path} gives {model.output_shape[-1]} values, not one of {list(bundle.outputs)}: push again.")
    progress.note(f"{bundle.stack}: {len(model.inputs)} photo sizes, Keras {keras.__version__}.")
    return model


def _tables(bundle: Bundle, manifest: Manifest, root: Path, asked: pd.DataFrame, problems: dict[int, str]) -> Tables:
    """Give the tables that an answer is made from; of training photos only their labels are known, and needed."""
    labels = [label for label, count in bundle.labels.items() for _ in range(count)]
    train = pd.DataFrame({"id": [str(row) for row in range(len(labels))], "path": "", "label": labels, "group": ""})
    there = np.flatnonzero(asked["path"] != "")
    paths = asked["path"].to_numpy(dtype=object).copy()
    paths[there[list(problems)]] = ""
    return Tables(manifest, root, train, asked.assign(path=paths))


def _tell_unreadable(tables: Tables, progress: Progress) -> None:
    lost = tables.test.loc[~tables.readable_test, "id"].tolist()
    if lost:
        more = ", ..." if len(lost) > _SHOWN else ""
        progress.warn(
            f"{counted(lost, 'photo')} missing or unreadable, answered by the prior: {', '.join(lost[:_SHOWN])}{more}"
        )
