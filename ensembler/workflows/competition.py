"""Open a competition that was brought in, and make its tables."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ..competition.csv_tables import read_table
from ..competition.duplicates import (
    DuplicateCounts,
    Pair,
    count_duplicates,
    duplicates_table,
    families,
    identical_pairs,
    load_duplicates,
)
from ..competition.layout.layout import Hints
from ..competition.manifest import Manifest
from ..competition.photo_files import PhotoFiles
from ..competition.tables import (
    Tables,
    group_twins,
    load_tables,
    make_tables,
    save_tables,
    tables_are_current,
    without_unreadable,
)
from ..errors import BadData, counted
from ..images.near_duplicates import near_duplicates
from ..images.photo_scan import Census, take_census
from ..paths import CompetitionFolder, Workspace
from ..progress import Progress
from .results import Fetched

NO_HINTS = Hints()
# Names shown of a longer list.
_SHOWN = 3


@dataclass(frozen=True)
class Seen:
    """What a look at all photos told: the census, and pairs that show the same picture."""

    census: Census
    pairs: list[Pair]


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
