"""Bring a competition in: from Kaggle, from a zip, or from a local folder; and open one that is there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd

from ..competition.archives import extract
from ..competition.csv_tables import read_table, write_table
from ..competition.layout import Hints, find_layout
from ..competition.local import choose_test, find_local_layout
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
from ..errors import BadChoice, BadData, DamagedArchive, StorageError, counted
from ..images.census import Census, take_census
from ..progress import Progress
from ..storage import CompetitionFolder, Workspace, file_digest, remove, require_space, whole_file, write_text
from ..submission.kaggle_client import Kaggle, slug_of
from .results import Fetched

HERE = Workspace(Path("data"), Path("submissions"))
SILENT = Progress()
NO_HINTS = Hints()
# Names shown of a longer list.
_SHOWN = 3


def fetch(
    competition: str,
    *,
    archive: Path | None = None,
    hints: Hints = NO_HINTS,
    force: bool = False,
    workspace: Workspace = HERE,
    progress: Progress = SILENT,
) -> Fetched:
    """Bring a competition in: download it or take a zip, unpack it, find out its layout, look at its photos.

    A second call does only what is missing, and keeps a manifest that a person has edited.

    Parameters
    ----------
    competition
        Slug or address on Kaggle.
    archive
        A zip that was downloaded already; nothing is asked of Kaggle then.
    hints
        Answers to what cannot be found out; with any, the layout is found out anew.
    force
        Download, unpack and find out anew.

    Raises
    ------
    KaggleError
        If Kaggle or the network refuses.
    Question, BadChoice, BadData, StorageError
        If the layout cannot be found out, an answer does not fit, the data are unusable, or the disk refuses.
    """
    slug = slug_of(competition)
    folder = workspace.competition(slug)
    _refuse_other_archive(folder, archive, force=force)
    if force or not folder.extracted.is_dir():
        forget_tables(folder)
        _unpack(folder, _archive_in_place(folder, archive, progress, force=force), progress)
    if force or hints != NO_HINTS or not folder.manifest.is_file():
        find_layout(folder.extracted, slug, slug, hints, "raw/extracted").save(folder.manifest)
    return _ready(workspace, folder, progress)


def _refuse_other_archive(folder: CompetitionFolder, archive: Path | None, *, force: bool) -> None:
    if archive is None:
        return
    if not archive.is_file():
        raise BadChoice(f"There is no file {archive}: --from takes the zip that the browser downloaded.")
    if not force and folder.extracted.is_dir() and file_digest(archive) != _recorded_digest(folder):
        raise StorageError(f"{folder.raw} holds another archive than {archive}: replace it with --force.")


def _archive_in_place(folder: CompetitionFolder, archive: Path | None, progress: Progress, *, force: bool) -> Path:
    """Have the competition's zip in ``raw/``, with its SHA-256 beside it."""
    place = folder.raw / f"{folder.name}.zip"
    if archive is not None:
        require_space(folder.raw, archive.stat().st_size, f"Copying {archive.name}")
        with whole_file(place) as temporary:
            shutil.copyfile(archive, temporary)
    else:
        if force:
            remove(place)
        place = Kaggle.connect().download(folder.name, folder.raw, progress)
    task = progress.start(f"checksum of {place.name}", place.stat().st_size)
    write_text(place.with_suffix(".zip.sha256"), f"{file_digest(place, task.advance)}  {place.name}\n")
    task.finish()
    return place


def _unpack(folder: CompetitionFolder, archive: Path, progress: Progress) -> None:
    try:
        extract(archive, folder.extracted, progress)
    except DamagedArchive:
        # It must not be taken for a finished download the next time.
        remove(archive)
        remove(archive.with_suffix(".zip.sha256"))
        raise


def _recorded_digest(folder: CompetitionFolder) -> str:
    record = folder.raw / f"{folder.name}.zip.sha256"
    return record.read_text("utf-8").split()[0] if record.is_file() else ""


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
    if force or not folder.manifest.is_file():
        return _adopt_anew(folder, root, test_size, seed, hints, workspace, progress)
    if Manifest.load(folder.manifest).photos != str(root):
        raise StorageError(f"{name} is already the name of another competition: choose another, or --force.")
    if hints != NO_HINTS:
        return _adopt_anew(folder, root, test_size, seed, hints, workspace, progress)
    return _ready(workspace, folder, progress)


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
        find_layout(root, folder.name, "", hints, str(root)).save(folder.manifest)
        return _ready(workspace, folder, progress)
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
    manifest.save(folder.manifest)
    return _ready(workspace, folder, progress, census)


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


def _ready(
    workspace: Workspace, folder: CompetitionFolder, progress: Progress, census: Census | None = None
) -> Fetched:
    """Have the tables of a competition whose manifest stands, and make it the current one."""
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
