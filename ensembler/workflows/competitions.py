"""Make a competition of a local folder, and open one that was brought in."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ..competition.csv_tables import read_table, write_table
from ..competition.layout.layout import Hints, find_layout
from ..competition.layout.local import choose_test, find_local_layout
from ..competition.manifest import Manifest
from ..competition.photo_files import PhotoFiles
from ..competition.sample_submission import find_sample
from ..competition.tables import (
    Tables,
    forget_tables,
    group_twins,
    load_tables,
    make_tables,
    save_tables,
    tables_are_current,
    without_unreadable,
)
from ..errors import BadChoice, BadData, StorageError, counted
from ..images.census import Census, take_census
from ..progress import SILENT, Progress
from ..storage import HERE, CompetitionFolder, Workspace, remove
from .answers import keep_edited, remembered, save_found
from .results import Fetched

NO_HINTS = Hints()
# Names shown of a longer list.
_SHOWN = 3


def adopt(
    photos: Path,
    name: str,
    *,
    test_size: float = 0.2,
    seed: int = 0,
    hints: Hints = NO_HINTS,
    force: bool = False,
    workspace: Workspace = HERE,
    progress: Progress = SILENT,
) -> Fetched:
    """Make a competition of a local folder; its photos stay where they are.

    A folder with a sample submission is taken as it is. Else the photos of a ``test`` folder are to be predicted,
    or, if there is none, a share of the labelled photos is kept apart and their labels hidden in ``solution.csv``.

    Parameters
    ----------
    photos
        The folder: a class per subfolder, or photos and a CSV of labels.
    name
        What to call the competition.
    test_size
        Share of the labelled photos to keep apart, between 0 and 1.
    seed
        Chooses them.
    hints
        Answers to what cannot be found out.
    force
        Begin anew with a name that is in use.

    Raises
    ------
    Question, BadChoice, BadData, StorageError
        As :func:`fetch` does.
    """
    root = photos.absolute()
    if not root.is_dir():
        raise BadChoice(f"There is no folder {photos}: `ensembler adopt` takes a folder of photos.")
    folder = workspace.competition(name)
    if force:
        remove(folder.hints)
    elif folder.manifest.is_file() and Manifest.load(folder.manifest).photos != str(root):
        raise StorageError(f"{name} is already the name of another competition: choose another, or --force.")
    if force or hints != NO_HINTS or not folder.manifest.is_file():
        return _adopt_anew(folder, root, test_size, seed, remembered(folder, hints), workspace, progress)
    return ready(workspace, folder, progress)


def _adopt_anew(
    folder: CompetitionFolder,
    root: Path,
    test_size: float,
    seed: int,
    hints: Hints,
    workspace: Workspace,
    progress: Progress,
) -> Fetched:
    forget_tables(folder)
    if find_sample(root, hints.sample) is not None:
        manifest = find_layout(root, folder.name, "", hints, str(root))
        keep_edited(folder, progress)
        remove(folder.solution)
        save_found(folder, manifest, hints)
        return ready(workspace, folder, progress)
    files = PhotoFiles.below(root)
    manifest = find_local_layout(files, folder.name, hints, folder.sample)
    census = take_census(root, files.paths, progress)
    ids, hidden = choose_test(manifest, files, census.digests, test_size, seed)
    even = 1 / len(manifest.classes)
    sample = pd.DataFrame({"id": ids}).assign(**dict.fromkeys(manifest.answer.columns, even))
    write_table(folder.sample, sample)
    remove(folder.solution)
    if not hidden.empty:
        write_table(folder.solution, hidden)
    keep_edited(folder, progress)
    save_found(folder, manifest, hints)
    return ready(workspace, folder, progress, census)


def open_competition(name: str | None, workspace: Workspace, progress: Progress) -> tuple[CompetitionFolder, Tables]:
    """Open a competition that was brought in; tables are remade if a person edited the manifest.

    Raises
    ------
    BadChoice
        If there is no such competition.
    BadData
        If the edited manifest does not fit the files.
    """
    folder = workspace.current(name)
    manifest = Manifest.load(folder.manifest)
    if not tables_are_current(folder, manifest):
        _make_tables(folder, manifest, progress, None)
    return folder, load_tables(folder)


def ready(workspace: Workspace, folder: CompetitionFolder, progress: Progress, census: Census | None = None) -> Fetched:
    """Have the tables of a competition whose manifest stands, and make it the current one.

    Raises
    ------
    BadData
        If the manifest does not fit the files.
    """
    manifest = Manifest.load(folder.manifest)
    if not tables_are_current(folder, manifest):
        _make_tables(folder, manifest, progress, census)
    workspace.make_current(folder)
    tables = load_tables(folder)
    unreadable = len(read_table(folder.unreadable))
    return Fetched(folder, manifest, len(tables.train), len(tables.test), unreadable)


def _make_tables(folder: CompetitionFolder, manifest: Manifest, progress: Progress, census: Census | None) -> None:
    files = PhotoFiles.below(folder.root / manifest.photos)
    train, test = make_tables(manifest, files)
    if census is None:
        asked = sorted({*train["path"], *test["path"]} - {""})
        census = take_census(files.root, asked, progress)
    train, test, unreadable = without_unreadable(train, test, census.problems)
    if train.empty:
        raise BadData(f"No training photo in {files.root / manifest.train.folder} can be read: are they photos?")
    _tell_unreadable(unreadable, progress)
    save_tables(folder, manifest, group_twins(train, census.digests), test, unreadable)


def _tell_unreadable(unreadable: pd.DataFrame, progress: Progress) -> None:
    for where, fate in (("train", "left out"), ("test", "predicted by the prior")):
        rows = unreadable[unreadable["set"] == where]
        if len(rows):
            names = [path or identity for path, identity in zip(rows["path"], rows["id"], strict=True)]
            more = ", ..." if len(names) > _SHOWN else ""
            progress.warn(
                f"{counted(names, f'{where} photo')} cannot be read, {fate}: {', '.join(names[:_SHOWN])}{more} "
                f"({rows['reason'].iloc[0]})"
            )
