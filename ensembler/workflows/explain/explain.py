"""Explains predictions: which parts of a photo speak for a class."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Unpack, cast

from ...competition.folds.file import load_folds
from ...competition.tables import Tables
from ...engines.engine import Engine
from ...errors import BadChoice, BadData, format_count
from ...explanations.asked import KnownPhotos
from ...explanations.explanation import Explanation
from ...explanations.pictures import choose_picture_names, draw_explanation, save_picture
from ...explanations.sources import ExplainedSource, open_members, open_stack, open_stack_file
from ...options.arguments import Paths, check_arguments
from ...options.declared import EngineOptions
from ...options.reading import ENGINE, read_options, show_options
from ...paths import DEFAULT_WORKSPACE, CompetitionFolder, CompetitionLike, PathLike, Workspace, WorkspaceLike
from ...progress import SILENT, Progress
from ...submission.notebook.folder import choose_stack
from ..competition import open_competition
from ..engine import open_engine
from ..predict import find_named_file
from ..scratch import find_shared_folder, make_output_folder, make_scratch_folder
from .asking import choose_classes, keep_pictures_apart, list_asked
from .job import run_explanation
from .result import Explanations


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
        Files, folders whose photos at any depth are explained, and ids of photos of the competition. A photo that is
        named twice is explained once.
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
        Folder for a picture of each photo. None draws none. Pictures that an earlier call drew there are replaced,
        and are not explained; other files are kept.
    competition
        Name of the competition. None uses the one last fetched or adopted. A path of a stack ignores it.
    **options
        Options of the engine (:class:`ensembler.EngineOptions`).

    Raises
    ------
    BadChoice
        If the stack, the member, the class or a photo does not exist, or a picture would replace another file.
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
    space, place = Workspace.read(workspace), None if output is None else Path(output)
    source, known = _open_source(stack, model, member, competition, space)
    asked = list_asked(photos, known)
    if place is not None:
        asked = keep_pictures_apart(asked, place, progress)
    asked = choose_classes(asked, class_name, source, progress)
    with contextlib.ExitStack() as folders:
        if place is not None:
            folders.enter_context(make_output_folder(place))
        scratch = folders.enter_context(make_scratch_folder("explain", find_shared_folder(engine_options, space)))
        with open_engine(engine_options, progress) as engine:
            found, unreadable = run_explanation(source, asked, engine, scratch, progress)
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
    with make_scratch_folder("explain", folder.root.absolute().parent) as scratch:
        found, _ = run_explanation(source, asked, engine, scratch, progress)
    return found


def _open_source(
    stack: PathLike | None,
    model: PathLike | None,
    member: str | None,
    competition: CompetitionLike | None,
    workspace: Workspace,
) -> tuple[ExplainedSource, KnownPhotos | None]:
    """Return what is explained, and the photos of its competition. A file knows none."""
    given = {"--stack": stack, "--model": model, "--member": member}
    if len(named := [f"{name} {value}" for name, value in given.items() if value is not None]) > 1:
        raise BadChoice(f"Name one of --stack, --model and --member. Received: {', '.join(named)}")
    if (file := find_named_file(stack) if model is None else Path(model)) is not None:
        return open_stack_file(file), None
    folder, tables = open_competition(competition, workspace)
    known = KnownPhotos(tables, load_folds(folder, tables))
    if member is not None:
        return open_members(folder, tables, [member]), known
    return open_stack(folder, tables, choose_stack(folder, cast("str | None", stack))), known


def _draw(
    found: Sequence[Explanation], source: ExplainedSource, output: Path, progress: Progress, *, members: bool
) -> list[Explanation]:
    places = [output / name for name in choose_picture_names([photo.name for photo in found])]
    drawn = []
    pairs = zip(found, places, strict=True)
    for photo, place in progress.track(pairs, "draw pictures", len(found), unit="photos"):
        save_picture(draw_explanation(photo, source, members=members), place)
        drawn.append(replace(photo, picture=place))
    return drawn
