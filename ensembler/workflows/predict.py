"""Predicts any photos with a stack."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import compress
from pathlib import Path
from typing import Any, Unpack, cast

import numpy as np
from numpy.typing import NDArray

from ..competition.photo_files import PhotoFiles
from ..competition.task import Task
from ..engines.engine import Engine
from ..engines.job import Job, Needs
from ..errors import BadChoice, BadData, format_count
from ..exports.network_files import NetworkFile, find_network_file, find_stack_file
from ..job_files import JobFiles
from ..members.features.shards import count_full_shards, divide_rows
from ..members.work import count_shards
from ..options.arguments import Count, Paths, check_arguments
from ..options.declared import EngineOptions
from ..options.reading import ENGINE, read_options, show_options
from ..paths import DEFAULT_WORKSPACE, CompetitionLike, PathLike, Workspace, WorkspaceLike
from ..progress import SILENT, Progress
from ..serialization import make_record, read_arrays, write_json
from ..stacking.card import StackCard, estimate_stack_work
from ..stacking.job_files import list_prediction_files
from ..stacking.prediction_report import PredictionReport
from ..submission.notebook.folder import choose_stack
from ..tables import Shown, Table
from .engine import open_engine
from .machine import detect_machine
from .scratch import find_shared_folder, make_scratch_folder

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
    """Predict photos with a stack or an exported file, in a process of its own.

    A stack predicts many photos in several processes, if there are several GPUs or machines.

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
        a SavedModel, or a ``stack.keras``. The runtime of an exported file predicts, without Keras. If its
        JSON lies beside it, its checksums are compared.
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
        If the file cannot be read or was changed after its export, a folder contains no photo, or no photo can be
        decoded.
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
        network = find_stack_file(locate_stack_file(stack, competition, Workspace.read(workspace)))
    paths = list_photo_files([photos] if isinstance(photos, str | os.PathLike) else photos)
    unique = {path: row for row, path in enumerate(dict.fromkeys(paths))}
    shared = find_shared_folder(engine_options, Workspace.read(workspace))
    with (
        open_engine(engine_options, progress, uses_keras=network.uses_keras) as engine,
        make_scratch_folder("predict", shared) as scratch,
    ):
        card, found = _predict(network, list(unique), batch_size, engine, scratch, progress)
    probabilities = found[[unique[path] for path in paths]]
    readable = np.isfinite(probabilities[:, 0])
    if not readable.any():
        raise BadData(f"None of {format_count(paths, 'photo')} can be decoded: name photos or folders of photos.")
    decoded, unreadable = (tuple(compress(paths, mask)) for mask in (readable, ~readable))
    return Predictions(card.name, card.task, card.outputs, decoded, probabilities[readable], unreadable)


def find_named_file(stack: PathLike | None) -> Path | None:
    """Return the file of a stack: text with a slash or the suffix ``.keras`` is a path, other text a name."""
    is_name = isinstance(stack, str) and "/" not in stack and os.sep not in stack and not stack.endswith(".keras")
    return None if stack is None or is_name else Path(stack)


def locate_stack_file(stack: PathLike | None, competition: CompetitionLike | None, workspace: Workspace) -> Path:
    """Return the file of a stack that is named or whose path is given."""
    if (file := find_named_file(stack)) is not None:
        return file
    folder = workspace.current(competition)
    return folder.stack(choose_stack(folder, cast("str | None", stack))) / "stack.keras"


def list_photo_files(named: Sequence[PathLike]) -> list[Path]:
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
    network: NetworkFile, paths: list[Path], batch_size: int, engine: Engine, scratch: Path, progress: Progress
) -> tuple[StackCard, NDArray[np.float32]]:
    jobs = list(_build_jobs(network, paths, batch_size, engine, scratch))
    replies = engine.run_jobs(jobs, scratch, progress)
    reports = [make_record(reply, PredictionReport, "the reply of a job") for reply in replies]
    card = network.read_card(replies[0])
    PredictionReport.join(reports).warn(card.pixel_rule, progress)
    return card, np.concatenate([read_arrays(Path(job.spec["predictions"]))["probabilities"] for job in jobs])


def _build_jobs(
    network: NetworkFile, paths: list[Path], batch_size: int, engine: Engine, scratch: Path
) -> Iterator[Job]:
    """Yield the jobs that predict the photos, one for each shard, with their files in ``scratch``."""
    # An exported file, whose card its job reads, runs on processors in one job.
    work = len(paths) * estimate_stack_work(network.stack_card) if network.stack_card else 0.0
    shards, needs = _divide_photos(len(paths), batch_size, work, engine)
    for number, rows in enumerate(shards, 1):
        name = "predict" if len(shards) == 1 else f"predict-{number}-of-{len(shards)}"
        photos = scratch / f"{name}-photos.json"
        write_json(photos, [str(path) for path in paths[rows.start : rows.stop]])
        spec = {
            "model": str(network.path.absolute()),
            "photos": str(photos),
            "batch_size": batch_size,
            "predictions": str(scratch / f"{name}.npz"),
        }
        files = partial(_list_files, network, photos, paths[rows.start : rows.stop], Path(str(spec["predictions"])))
        yield Job(name, network.function, spec, work=work * len(rows) / len(paths), needs=needs, files=files)


def _list_files(network: NetworkFile, photo_list: Path, photos: Sequence[Path], predictions: Path) -> JobFiles:
    """List the files of a job, see :func:`.list_prediction_files`."""
    parts = JobFiles(reads=tuple(str(path.absolute()) for path in network.files))
    return list_prediction_files(network.path, photo_list, photos, predictions).join(parts)


def _divide_photos(photos: int, batch_size: int, work: float, engine: Engine) -> tuple[Sequence[range], Needs]:
    """Divide photos among the slots of an engine. Return what each job needs too.

    Each shard fills a batch, so each photo is in the same batch, of the same size, as without shards.
    """
    most = count_full_shards(photos, batch_size) if work else 0
    # The hardware is not detected for so few photos that one job suffices on any.
    if min(most, count_shards(work, work, most, on_gpu=False) if most else 0) < 2:
        return [range(photos)], Needs()
    machine = detect_machine(engine)
    slots = min(most, engine.count_slots(machine.needs))
    count = count_shards(work, work, slots, on_gpu=bool(machine.gpus))
    if count < 2:
        return [range(photos)], Needs()
    return divide_rows(np.zeros(photos, bool), batch_size, count), machine.needs
