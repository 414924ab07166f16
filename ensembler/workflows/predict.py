"""Predict any photos with a stack that was built."""

from __future__ import annotations

import csv
import io
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..competition.photo_files import PhotoFiles
from ..competition.task import Task
from ..engines.job import Job
from ..engines.local import run_jobs
from ..errors import BadChoice, BadData, JobFailed, format_count
from ..paths import DEFAULT_WORKSPACE, CompetitionLike, Workspace
from ..progress import SILENT, Progress
from ..serialization import read_arrays, write_json
from ..stacking.card import read_card
from ..submission.notebook.folder import choose_stack
from ..tables import Shown, Table

# All that float32 knows.
_FLOAT_FORMAT = ".9g"


@dataclass(frozen=True, repr=False)
class Predictions(Shown):
    """What a stack says of photos.

    Attributes
    ----------
    stack, task, outputs
        The stack's name, its task, and the classes that it gives probabilities for.
    photos
        Those that could be decoded, as they were named.
    probabilities
        Of shape (photos, outputs).
    unreadable
        Photos that could not be decoded.
    """

    stack: str
    task: Task
    outputs: tuple[str, ...]
    photos: tuple[Path, ...]
    probabilities: NDArray[np.float32]
    unreadable: tuple[Path, ...]

    def build_table(self) -> Table:
        """Lay photos out in rows."""
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
        """Return what JSON can hold."""
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


def predict(
    photos: Sequence[str | os.PathLike[str]],
    *,
    stack: str | os.PathLike[str] | None = None,
    competition: CompetitionLike | None = None,
    batch_size: int = 32,
    workspace: Workspace = DEFAULT_WORKSPACE,
    progress: Progress = SILENT,
) -> Predictions:
    """Predict photos with a stack, in a process of its own.

    Parameters
    ----------
    photos
        Files, and folders of which all photos at any depth are taken.
    stack
        Name of a finished stack, or a path to a ``stack.keras``, known by a folder or the suffix in it; None is
        the one built last.
    competition
        Whose stack it is; None is the one last brought in. Without effect on a path.
    batch_size
        Photos that go through the network at once.

    Raises
    ------
    BadChoice
        If the stack or a photo is not there.
    BadData
        If the stack's file cannot be read, a folder has no photo, or not one photo can be decoded.
    Mismatch
        If another version wrote the stack's file.

    Examples
    --------
    >>> found = ensembler.predict(["photos/dogs/1.png"], stack="first", competition="pets")
    >>> found.photos[0].name, found.probabilities.shape
    ('1.png', (1, 1))
    """
    model = _locate_stack_file(stack, competition, workspace)
    card = read_card(model)
    paths = _list_photo_files(photos)
    probabilities = _predict(model, paths, batch_size, progress)
    readable = np.isfinite(probabilities[:, 0])
    if not readable.any():
        raise BadData(f"None of {format_count(paths, 'photo')} can be decoded: name photos, or folders of photos.")
    return Predictions(
        stack=card.name,
        task=card.task,
        outputs=card.outputs,
        photos=tuple(path for path, can in zip(paths, readable, strict=True) if can),
        probabilities=probabilities[readable],
        unreadable=tuple(path for path, can in zip(paths, readable, strict=True) if not can),
    )


def _locate_stack_file(
    stack: str | os.PathLike[str] | None, competition: CompetitionLike | None, workspace: Workspace
) -> Path:
    if stack is not None and (
        not isinstance(stack, str) or "/" in stack or os.sep in stack or stack.endswith(".keras")
    ):
        return Path(stack)
    folder = workspace.current(competition)
    return folder.stack(choose_stack(folder, stack)) / "stack.keras"


def _list_photo_files(named: Sequence[str | os.PathLike[str]]) -> list[Path]:
    """List the photos, each once, in the order in which they were named."""
    if not named:
        raise BadChoice("No photos are named: name files, or folders of photos.")
    paths: list[Path] = []
    for path in map(Path, named):
        if path.is_dir():
            paths += [path / below for below in PhotoFiles.list_below(path).paths]
        elif path.exists():
            paths.append(path)
        else:
            raise BadChoice(f"There is no photo {path}: name files, or folders of photos.")
    return list(dict.fromkeys(paths))


def _predict(model: Path, paths: list[Path], batch_size: int, progress: Progress) -> NDArray[np.float32]:
    scratch = Path(tempfile.mkdtemp(prefix="ensembler-predict-"))
    spec = {
        "model": str(model.absolute()),
        "photos": str(scratch / "photos.json"),
        "batch_size": batch_size,
        "predictions": str(scratch / "predictions.npz"),
    }
    keep = False
    try:
        write_json(scratch / "photos.json", [str(path) for path in paths])
        run_jobs([Job("predict", "ensembler.stacking.jobs.loaded_stack:predict_files", spec)], scratch, progress)
        return read_arrays(scratch / "predictions.npz")["probabilities"]
    except JobFailed:
        # Its sentence names the log.
        keep = True
        raise
    finally:
        if not keep:
            shutil.rmtree(scratch, ignore_errors=True)
