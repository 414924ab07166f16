"""Predicts any photos with a stack."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any, Unpack, cast

import numpy as np
from numpy.typing import NDArray

from ..competition.photo_files import PhotoFiles
from ..competition.task import Task
from ..engines.engine import Engine
from ..engines.job import Job
from ..errors import BadChoice, BadData, JobFailed, format_count
from ..exports.network_files import NetworkFile, find_network_file, find_stack_file
from ..options.arguments import Count, Paths, check_arguments
from ..options.declared import EngineOptions
from ..options.reading import ENGINE, read_options, show_options
from ..paths import DEFAULT_WORKSPACE, CompetitionLike, PathLike, Workspace, WorkspaceLike
from ..progress import SILENT, Progress
from ..serialization import read_arrays, write_json
from ..stacking.card import StackCard
from ..submission.notebook.folder import choose_stack
from ..tables import Shown, Table
from .engine import open_engine

# Nine digits represent every float32 exactly.
_FLOAT_FORMAT = ".9g"


@dataclass(frozen=True, repr=False)
class Predictions(Shown):
    """Predictions of photos by a stack.

    Attributes
    ----------
    stack, task, outputs
        Name of the stack, its task, and the classes or tags of its probabilities.
    photos
        Paths of the decoded photos.
    probabilities
        Probabilities, shape (photos, outputs).
    unreadable
        Paths of the photos that could not be decoded.
    """

    stack: str
    task: Task
    outputs: tuple[str, ...]
    photos: tuple[Path, ...]
    probabilities: NDArray[np.float32]
    unreadable: tuple[Path, ...]

    def build_table(self) -> Table:
        """Return a row for each photo."""
        rows = [
            [path, *(f"{value:.4f}" for value in row)]
            for path, row in zip(self.photos, self.probabilities, strict=True)
        ]
        return Table(["photo", *self.outputs], rows, notes=[f"unreadable: {path}" for path in self.unreadable])

    def to_csv(self) -> str:
        """Return a CSV with a row for each photo: its path, and the probability of each output."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(["photo", *self.outputs])
        for path, row in zip(self.photos, self.probabilities, strict=True):
            writer.writerow([path, *(format(value, _FLOAT_FORMAT) for value in row)])
        return buffer.getvalue()

    def to_json(self) -> dict[str, Any]:
        """Return the probabilities with their photos as plain data for JSON."""
        photos = [
            {"photo": str(path), "probabilities": [float(format(value, _FLOAT_FORMAT)) for value in row]}
            for path, row in zip(self.photos, self.probabilities, strict=True)
        ]
        return {
            "stack": self.stack,
            "task": self.task,
            "outputs": list(self.outputs),
            "photos": photos,
            "unreadable": [str(path) for path in self.unreadable],
        }


@show_options(ENGINE)
@check_arguments
def predict(
    photos: Paths,
    *,
    stack: PathLike | None = None,
    model: PathLike | None = None,
    competition: CompetitionLike | None = None,
    batch_size: Count = 32,
    workspace: WorkspaceLike = DEFAULT_WORKSPACE,
    progress: Progress = SILENT,
    **options: Unpack[EngineOptions],
) -> Predictions:
    """Predict photos with a stack or an exported file, in a separate process.

    Parameters
    ----------
    photos
        Files, and folders whose photos at any depth are predicted. The rows are in this order, and a photo that is
        named twice has two.
    stack
        Name of a finished stack, or path of a ``stack.keras``: text with a slash or the suffix ``.keras`` is a path.
        None uses the stack that was built last.
    model
        File of :func:`ensembler.export` instead of a stack: ``.onnx``, ``.tflite``, ``.xml`` of OpenVINO, the folder of
        a SavedModel, or a ``stack.keras``. Its runtime predicts, without Keras.
    competition
        Name of the competition of the stack. None uses the one last fetched or adopted. A path ignores it.
    batch_size
        Number of photos in a batch.
    **options
        Options of the engine (:class:`ensembler.EngineOptions`).

    Raises
    ------
    BadChoice
        If the stack, the file or a photo does not exist, or the runtime of the file is not installed.
    BadData
        If the file of the stack cannot be read, a folder contains no photo, or no photo can be decoded.
    Mismatch
        If another version wrote the file of the stack.

    Examples
    --------
    >>> found = ensembler.predict(["photos/dogs/1.png"], stack="first", competition="pets")
    >>> found.photos[0].name, found.probabilities.shape
    ('1.png', (1, 1))
    """
    engine_options = cast(EngineOptions, read_options(options, known=ENGINE))
    if stack is not None and model is not None:
        raise BadChoice(f"Name either --stack or --model. Received: {str(stack)!r} and {str(model)!r}")
    if model is not None:
        network = find_network_file(Path(model))
    else:
        network = find_stack_file(_locate_stack_file(stack, competition, Workspace.read(workspace)))
    paths = _list_photo_files([photos] if isinstance(photos, str | os.PathLike) else photos)
    unique = {path: row for row, path in enumerate(dict.fromkeys(paths))}
    with open_engine(engine_options, progress) as engine:
        card, found = _predict(network, list(unique), batch_size, engine, progress)
    probabilities = found[[unique[path] for path in paths]]
    readable = np.isfinite(probabilities[:, 0])
    if not readable.any():
        raise BadData(f"None of {format_count(paths, 'photo')} can be decoded: name photos or folders of photos.")
    decoded, unreadable = (tuple(compress(paths, mask)) for mask in (readable, ~readable))
    return Predictions(card.name, card.task, card.outputs, decoded, probabilities[readable], unreadable)


def _locate_stack_file(stack: PathLike | None, competition: CompetitionLike | None, workspace: Workspace) -> Path:
    if stack is not None and (
        not isinstance(stack, str) or "/" in stack or os.sep in stack or stack.endswith(".keras")
    ):
        return Path(stack)
    folder = workspace.current(competition)
    return folder.stack(choose_stack(folder, stack)) / "stack.keras"


def _list_photo_files(named: Sequence[PathLike]) -> list[Path]:
    """Return the photos in the given order."""
    paths: list[Path] = []
    for path in map(Path, named):
        if path.is_dir():
            files = PhotoFiles.list_below(path)
            # Pictures of other formats are reported as unreadable.
            paths += [path / below for below in sorted((*files.paths, *files.undecodable))]
        elif path.exists():
            paths.append(path)
        else:
            raise BadChoice(f"The photo {path} does not exist: name files or folders of photos.")
    return paths


def _predict(
    network: NetworkFile, paths: list[Path], batch_size: int, engine: Engine, progress: Progress
) -> tuple[StackCard, NDArray[np.float32]]:
    scratch = Path(tempfile.mkdtemp(prefix="ensembler-predict-"))
    spec = {
        "model": str(network.path.absolute()),
        "photos": str(scratch / "photos.json"),
        "batch_size": batch_size,
        "predictions": str(scratch / "predictions.npz"),
    }
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, scratch, ignore_errors=True)
        write_json(scratch / "photos.json", [str(path) for path in paths])
        try:
            job = Job("predict", network.function, spec)
            [result] = engine.run_jobs([job], scratch, progress)
        except JobFailed:
            # The error names the log in this folder.
            stack.pop_all()
            raise
        return network.read_card(result), read_arrays(scratch / "predictions.npz")["probabilities"]
