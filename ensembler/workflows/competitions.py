"""Make a competition of a local folder, and open one that was brought in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ..competition.csv_tables import read_table, write_table
from ..competition.duplicates import (
    DuplicateCounts,
    Pair,
    count_duplicates,
    duplicates_table,
    families,
    identical_pairs,
    load_duplicates,
)
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
from ..images.near_duplicates import near_duplicates
from ..progress import SILENT, Progress
from ..storage import HERE, CompetitionFolder, Workspace, remove
from .answers import keep_edited, remembered, save_found
from .results import Fetched

NO_HINTS = Hints()
# Names shown of a longer list.
_SHOWN = 3


@dataclass(frozen=True)
class Seen:
    """What a look at all photos told: the census, and pairs that show the same picture."""

    census: Census
    pairs: list[Pair]


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
    apart = manifest.test.folder != manifest.train.folder
    asked = frozenset(files.inside(manifest.test.folder).paths if apart else ())
    pairs = _pairs(census, asked, progress)
    ids, hidden = choose_test(manifest, files, families(census.digests, pairs), test_size, seed)
    even = 1 / len(manifest.classes)
    sample = pd.DataFrame({"id": ids}).assign(**dict.fromkeys(manifest.answer.columns, even))
    write_table(folder.sample, sample)
    remove(folder.solution)
    if not hidden.empty:
        write_table(folder.solution, hidden)
    keep_edited(folder, progress)
    save_found(folder, manifest, hints)
    return ready(workspace, folder, progress, Seen(census, pairs))


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
        _make_tables(folder, manifest, progress)
    return folder, load_tables(folder)


def ready(workspace: Workspace, folder: CompetitionFolder, progress: Progress, seen: Seen | None = None) -> Fetched:
    """Have the tables of a competition whose manifest stands, and make it the current one.

    Raises
    ------
    BadData
        If the manifest does not fit the files.
    """
    manifest = Manifest.load(folder.manifest)
    if not tables_are_current(folder, manifest):
        _make_tables(folder, manifest, progress, seen)
    workspace.make_current(folder)
    tables = load_tables(folder)
    unreadable = len(read_table(folder.unreadable))
    labels = tables.train.set_index("id")["label"]
    duplicates = count_duplicates(load_duplicates(folder), labels)
    return Fetched(folder, manifest, len(tables.train), len(tables.test), unreadable, duplicates)


def _make_tables(folder: CompetitionFolder, manifest: Manifest, progress: Progress, seen: Seen | None = None) -> None:
    files = PhotoFiles.below(folder.root / manifest.photos)
    train, test = make_tables(manifest, files)
    if seen is None:
        asked = sorted({*train["path"], *test["path"]} - {""})
        census = take_census(files.root, asked, progress)
        seen = Seen(census, _pairs(census, frozenset(test["path"]), progress))
    train, test, unreadable = without_unreadable(train, test, seen.census.problems)
    if train.empty:
        raise BadData(f"No training photo in {files.root / manifest.train.folder} can be read: are they photos?")
    _tell_unreadable(unreadable, progress)
    duplicates = duplicates_table(train, test, seen.pairs)
    counts = count_duplicates(duplicates, train.set_index("id")["label"])
    _tell_duplicates(folder, counts, progress)
    train = group_twins(train, families(train["path"], seen.pairs))
    save_tables(folder, manifest, train, test, unreadable, duplicates)


def _pairs(census: Census, to_predict: frozenset[str], progress: Progress) -> list[Pair]:
    """Pair photos of the same bytes, then those of the same picture; photos to predict not with each other."""
    return identical_pairs(census.digests, to_predict) + near_duplicates(census.miniatures, progress, to_predict)


def _tell_duplicates(folder: CompetitionFolder, counts: DuplicateCounts, progress: Progress) -> None:
    told = counts.sentence()
    if told:
        progress.note(f"{told} (listed in {folder.duplicates})")
    if counts.contradicting:
        progress.warn(
            f"{counted(range(counts.contradicting), 'pair')} of training photos "
            f"{'shows' if counts.contradicting == 1 else 'show'} the same picture under different labels: see "
            f"{folder.duplicates}."
        )


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
