"""Explains predictions: which parts of a photo speak for a class."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Unpack, cast

import numpy as np
from numpy.typing import NDArray

from ..competition.folds.file import load_folds
from ..competition.tables import Tables
from ..engines.engine import Engine
from ..engines.job import Job
from ..errors import BadChoice, BadData, JobFailed, format_count, format_first
from ..explanations.asked import AskedPhoto, KnownPhotos
from ..explanations.explanation import Explanation, MemberExplanation
from ..explanations.pictures import choose_picture_names, draw_explanation
from ..explanations.sources import ExplainedSource, open_members, open_stack, open_stack_file
from ..job_files import JobFiles
from ..members.job_files import list_table_files
from ..options.arguments import Paths, check_arguments
from ..options.declared import EngineOptions
from ..options.reading import ENGINE, read_options, show_options
from ..paths import DEFAULT_WORKSPACE, CompetitionFolder, CompetitionLike, PathLike, Workspace, WorkspaceLike
from ..progress import SILENT, Progress
from ..serialization import convert_to_plain, make_record, read_arrays, write_json
from ..stacking.prediction_report import PredictionReport
from ..storage import write_file_atomically
from ..submission.notebook.folder import choose_stack
from ..tables import Shown, Table
from .competition import open_competition
from .engine import open_engine
from .predict import list_photo_files, locate_stack_file

_JOB_NAME, _JOB_FUNCTION = "explain", "ensembler.explanations.jobs.explain:explain_photos"
# Class of --class that stands for each photo's own label.
TRUE_CLASS = "true"


@dataclass(frozen=True, repr=False)
class Explanations(Shown):
    """What a stack finds of photos, and which of their parts speak for it.

    Attributes
    ----------
    stack
        Name of the stack, or of the members.
    members
        Names of the members.
    photos
        Explanation of each decoded photo, in the order of the call.
    unreadable
        Paths of the photos that could not be decoded.
    output
        Folder of the pictures. None if none were drawn.
    """

    stack: str
    members: tuple[str, ...]
    photos: tuple[Explanation, ...]
    unreadable: tuple[Path, ...]
    output: Path | None = None

    @property
    def heat(self) -> NDArray[np.float32]:
        """Maps of all photos, shape (photos, 56, 56)."""
        return np.stack([photo.heat for photo in self.photos])

    def build_table(self) -> Table:
        """Return a row for each photo."""
        has_labels = any(photo.label for photo in self.photos)
        columns = ["photo", *(["label"] if has_labels else []), "class", "probability", *self.members]
        rows = [
            [
                photo.photo if not photo.id else photo.id,
                *([photo.label] if has_labels else []),
                photo.class_name,
                f"{photo.probability:.4f}",
                *(f"{member.probability:.4f}" for member in photo.members),
                photo.region,
                f"{photo.half_area:.0%}",
            ]
            for photo in self.photos
        ]
        text = ("label", "class", "looks at")
        return Table([*columns, "looks at", "half in"], rows, text_columns=text, notes=list(self._list_notes()))

    def _list_notes(self) -> Iterator[str]:
        yield "half in: share of the photo's area that holds half of what speaks for the class"
        known = [photo for photo in self.photos if photo.label]
        honest = [photo for photo in known if photo.out_of_fold]
        if honest:
            yield f"{format_count(honest, 'photo')} explained by the folds' networks that never saw them"
        if learned := [photo.name for photo in known if not photo.out_of_fold]:
            yield f"explained by networks that learned from them: {format_first(learned)}"
        pixelwise = sorted({each.name for photo in self.photos[:1] for each in photo.members if "input" in each.method})
        if pixelwise:
            yield f"by gradient times input, because they have no feature maps: {', '.join(pixelwise)}"
        if empty := [photo.name for photo in self.photos if not photo.heat.any()]:
            yield f"nothing speaks for the class in {format_count(empty, 'photo')}: {format_first(empty)}"
        yield from (f"unreadable: {path}" for path in self.unreadable)
        if self.output is not None:
            yield f"pictures: {self.output}"

    def to_json(self) -> dict[str, Any]:
        """Return the figures of all photos without their maps as plain data for JSON."""
        return {
            "stack": self.stack,
            "members": list(self.members),
            "photos": [photo.to_json() for photo in self.photos],
            "unreadable": [str(path) for path in self.unreadable],
            "output": None if self.output is None else str(self.output),
        }


@show_options(ENGINE)
@check_arguments
def explain(
    photos: Paths,
    *,
    stack: PathLike | None = None,
    model: PathLike | None = None,
    member: str | None = None,
    class_name: str | None = None,
    members: bool = False,
    output: PathLike | None = None,
    competition: CompetitionLike | None = None,
    workspace: WorkspaceLike = DEFAULT_WORKSPACE,
    progress: Progress = SILENT,
    **options: Unpack[EngineOptions],
) -> Explanations:
    """Explain which parts of photos speak for a class, by the gradients of the networks in a stack.

    A training photo is explained by the networks of the folds that held it out, so by those of its honest prediction.

    Parameters
    ----------
    photos
        Files, folders whose photos at any depth are explained, and ids of photos of the competition.
    stack
        Name of a finished stack, or path of a ``stack.keras``: text with a slash or the suffix ``.keras`` is a path.
        None uses the stack that was built last.
    model
        Path of a ``stack.keras`` instead of a stack.
    member
        Name of a trained member instead of a stack.
    class_name
        Class to explain, or ``true`` for each photo's label. None explains the class that is predicted.
    members
        Whether the pictures show a map for each member too.
    output
        Folder for a picture of each photo. None draws none.
    competition
        Name of the competition. None uses the one last fetched or adopted. A path of a stack ignores it.
    **options
        Options of the engine (:class:`ensembler.EngineOptions`).

    Raises
    ------
    BadChoice
        If the stack, the member, the class or a photo does not exist.
    BadData
        If the file cannot be read, or no photo can be decoded.
    Mismatch
        If the stack was built with other photos, folds or members.

    Examples
    --------
    >>> found = ensembler.explain(["photos/dogs/1.png"], stack="first", competition="pets")
    >>> found.photos[0].class_name, found.heat.shape
    ('dogs', (1, 56, 56))
    """
    engine_options = cast(EngineOptions, read_options(options, known=ENGINE))
    given = {"--stack": stack, "--model": model, "--member": member}
    if len(named := [f"{name} {value}" for name, value in given.items() if value is not None]) > 1:
        raise BadChoice(f"Name one of --stack, --model and --member. Received: {', '.join(named)}")
    space = Workspace.read(workspace)
    listed = [photos] if isinstance(photos, str | os.PathLike) else list(photos)
    file = _find_file(stack, model, competition, space)
    if file is not None:
        source = open_stack_file(file)
        asked = [AskedPhoto(str(path.absolute())) for path in list_photo_files(listed)]
    else:
        folder, tables = open_competition(competition, space)
        source = (
            open_members(folder, tables, [member])
            if member is not None
            else open_stack(folder, tables, choose_stack(folder, cast("str | None", stack)))
        )
        asked = _list_asked(listed, KnownPhotos(tables, load_folds(folder, tables)))
    asked = _choose_classes(asked, class_name, source, progress)
    place = None if output is None else Path(output)
    with open_engine(engine_options, progress) as engine, _make_scratch_folder(place) as scratch:
        found, unreadable = _explain(source, asked, engine, scratch, progress)
    if not found:
        raise BadData(f"None of {format_count(asked, 'photo')} can be decoded: name photos or folders of photos.")
    if place is not None:
        found = _draw(found, source, place, progress, members=members)
    return Explanations(source.name, source.members, tuple(found), tuple(unreadable), place)


def explain_training_rows(
    folder: CompetitionFolder,
    tables: Tables,
    rows: Sequence[int],
    *,
    engine: Engine,
    stack: str | None = None,
    members: Sequence[str] = (),
    class_names: Sequence[str] | None = None,
    progress: Progress = SILENT,
) -> list[Explanation]:
    """Explain training photos by the networks of the folds that held them out, in one job.

    Parameters
    ----------
    folder, tables
        Folder and tables of the competition.
    rows
        Rows of ``tables.train``. Those of an orientation task are rotated photos.
    engine
        Engine that runs the job.
    stack
        Name of a finished stack. None explains ``members`` without a meta-learner, by the mean of their log-odds.
    members
        Names of trained members, without a stack.
    class_names
        Class to explain for each row. None explains the predicted class.

    Returns
    -------
    list
        Explanation of each row, without the rows whose photos cannot be decoded.

    Raises
    ------
    Mismatch
        If the stack was built with other photos, folds or members.
    """
    source = open_members(folder, tables, members) if stack is None else open_stack(folder, tables, stack)
    known = KnownPhotos(tables, load_folds(folder, tables))
    asked = [known.describe_row(int(row)) for row in rows]
    if class_names is not None:
        numbers = [source.find_class(name) for name in class_names]
        asked = [replace(photo, class_number=number) for photo, number in zip(asked, numbers, strict=True)]
    with _make_scratch_folder(None) as scratch:
        found, _ = _explain(source, asked, engine, scratch, progress)
    return found


def _find_file(
    stack: PathLike | None, model: PathLike | None, competition: CompetitionLike | None, workspace: Workspace
) -> Path | None:
    """Return the file that a call names. None if it names a stack or a member of a competition."""
    if model is not None:
        return Path(model)
    is_name = isinstance(stack, str) and "/" not in stack and os.sep not in stack and not stack.endswith(".keras")
    return None if stack is None or is_name else locate_stack_file(stack, competition, workspace)


def _list_asked(listed: Sequence[PathLike], known: KnownPhotos) -> list[AskedPhoto]:
    """Return the photos that a call names by paths, folders and ids."""
    asked: list[AskedPhoto] = []
    for each in listed:
        if Path(each).exists():
            asked += [known.find_path(path) for path in list_photo_files([each])]
        elif (found := known.find_id(str(each))) is not None:
            asked.append(found)
        else:
            raise BadChoice(
                f"{each} is neither a file nor the id of a photo of the competition: name files, folders, or ids as in "
                "train.csv."
            )
    return asked


def _choose_classes(
    asked: Sequence[AskedPhoto], class_name: str | None, source: ExplainedSource, progress: Progress
) -> list[AskedPhoto]:
    if class_name is None:
        return list(asked)
    if class_name != TRUE_CLASS or class_name in (*source.classes, *source.class_names):
        number = source.find_class(class_name)
        return [replace(photo, class_number=number) for photo in asked]
    if source.task == "multilabel":
        raise BadChoice(f"A photo may have several labels, so `--class {TRUE_CLASS}` does not say which: name one.")
    if unknown := [photo for photo in asked if not photo.label]:
        progress.note(f"The predicted class is explained for {format_count(unknown, 'photo')} without a known label.")
    return [replace(photo, class_number=source.find_class(photo.label)) if photo.label else photo for photo in asked]


@contextlib.contextmanager
def _make_scratch_folder(output: Path | None) -> Iterator[Path]:
    """Create a folder for the files of the job. It stays if the job failed, because the error names the log in it."""
    if output is not None:
        # A folder that cannot be written to is reported before the work.
        output.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="ensembler-explain-"))
    try:
        yield scratch
    except JobFailed:
        raise
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    shutil.rmtree(scratch, ignore_errors=True)


def _explain(
    source: ExplainedSource, asked: Sequence[AskedPhoto], engine: Engine, scratch: Path, progress: Progress
) -> tuple[list[Explanation], list[Path]]:
    """Run the job. Return what it found of the decoded photos, and the paths of the others."""
    photos, maps = scratch / "photos.json", scratch / "maps.npz"
    write_json(photos, [asdict(photo) for photo in asked])
    rule = convert_to_plain(source.pixel_rule)
    spec = {**source.spec, "photos": str(photos), "maps": str(maps), "pixels": rule}
    job = Job(_JOB_NAME, _JOB_FUNCTION, spec, files=partial(_list_files, source, photos, asked, maps))
    [reply] = engine.run_jobs([job], scratch, progress)
    make_record(reply["report"], PredictionReport, "the reply of a job").warn(source.pixel_rule, progress)
    arrays = read_arrays(maps)
    readable = np.isfinite(arrays["probabilities"][:, 0])
    found = [
        _describe(source, photo, {name: values[row] for name, values in arrays.items()}, reply["methods"])
        for row, photo in enumerate(asked)
        if readable[row]
    ]
    return found, [Path(photo.path) for photo, is_readable in zip(asked, readable, strict=True) if not is_readable]


def _list_files(source: ExplainedSource, photos: Path, asked: Sequence[AskedPhoto], maps: Path) -> JobFiles:
    files = JobFiles(
        reads=tuple(dict.fromkeys(map(str, (*source.files, photos)))),
        writes=(str(maps),),
        photos=tuple(dict.fromkeys(photo.path for photo in asked)),
    )
    competition = source.spec["competition"]
    return files.join(list_table_files(CompetitionFolder(Path(competition)))) if competition else files


def _describe(
    source: ExplainedSource, photo: AskedPhoto, arrays: dict[str, NDArray[Any]], methods: Sequence[str]
) -> Explanation:
    chosen = int(arrays["classes"])
    probabilities = _list_probabilities(source, arrays["probabilities"])
    members = [
        MemberExplanation(
            name,
            _list_probabilities(source, arrays["member_probabilities"][number])[chosen],
            float(arrays["shares"][number]),
            arrays["member_heat"][number],
            methods[number],
        )
        for number, name in enumerate(source.members)
    ]
    return Explanation(
        photo=Path(photo.path),
        id=photo.id,
        label=photo.label,
        out_of_fold=bool(photo.folds),
        class_name=source.classes[chosen],
        predicted=source.classes[int(np.argmax(probabilities))],
        probabilities=dict(zip(source.classes, probabilities, strict=True)),
        heat=arrays["heat"],
        members=tuple(members),
        turns=photo.turns,
    )


def _list_probabilities(source: ExplainedSource, outputs: NDArray[Any]) -> list[float]:
    """Return the probability of each class. The network of a binary task returns only the second one."""
    values = [float(value) for value in outputs]
    return [1 - values[0], values[0]] if source.task == "binary" else values


def _draw(
    found: Sequence[Explanation], source: ExplainedSource, output: Path, progress: Progress, *, members: bool
) -> list[Explanation]:
    names = choose_picture_names([photo.photo for photo in found])
    drawn = []
    pairs = zip(found, names, strict=True)
    for photo, name in progress.track(pairs, "draw pictures", len(found), unit="photos"):
        picture = draw_explanation(photo, source.name, source.pixel_rule, members=members)
        with write_file_atomically(output / name) as temporary:
            picture.save(temporary, "PNG")
        drawn.append(replace(photo, picture=output / name))
    return drawn
