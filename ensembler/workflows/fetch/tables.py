"""Make the tables of a competition, which means to scan all its photos."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ...competition.csv_tables import read_table
from ...competition.duplicates import (
    DuplicateCounts,
    DuplicatePair,
    build_duplicates_table,
    count_duplicates,
    find_identical_pairs,
    group_copies,
    load_duplicates,
)
from ...competition.layout.layout import Hints
from ...competition.manifest import Manifest, are_tables_current, describe_stale_tables
from ...competition.photo_files import PhotoFiles
from ...competition.tables import (
    Tables,
    exclude_unreadable,
    group_twins,
    load_tables,
    make_tables,
    save_tables,
)
from ...errors import BadData, format_count
from ...images.near_duplicates import find_near_duplicates
from ...images.photo_scan import PhotoScan, scan_photos
from ...paths import CompetitionFolder, CompetitionLike, Workspace
from ...progress import Progress
from ..results import PreparedCompetition

NO_HINTS = Hints()
# Names shown of a longer list.
_MAX_NAMES_SHOWN = 3


@dataclass(frozen=True)
class DuplicateScan:
    """What a look at all photos told: the scan, and pairs that show the same picture."""

    photo_scan: PhotoScan
    pairs: list[DuplicatePair]


def open_refreshed_competition(
    competition: CompetitionLike | None, workspace: Workspace, progress: Progress
) -> tuple[CompetitionFolder, Tables]:
    """Open a competition that was brought in; make its tables anew, and say so, if a person edited the manifest.

    Raises
    ------
    BadChoice
        If there is no such competition.
    BadData
        If the edited manifest does not fit the files.
    """
    folder = workspace.current(competition)
    manifest = Manifest.load(folder.manifest)
    if not are_tables_current(folder, manifest):
        progress.note(f"{describe_stale_tables(folder)}: all photos are scanned for new ones.")
        _make_tables(folder, manifest, progress)
    return folder, load_tables(folder)


def prepare_competition(
    folder: CompetitionFolder, progress: Progress, scan: DuplicateScan | None = None
) -> PreparedCompetition:
    """Have the tables of a competition whose manifest stands, and make it the current one.

    Raises
    ------
    BadData
        If the manifest does not fit the files.
    """
    manifest = Manifest.load(folder.manifest)
    if not are_tables_current(folder, manifest):
        _make_tables(folder, manifest, progress, scan)
    folder.workspace.make_current(folder)
    return describe_competition(folder)


def describe_competition(folder: CompetitionFolder) -> PreparedCompetition:
    """Return what the files tell of a competition; no photo is read."""
    manifest, tables = Manifest.load(folder.manifest), load_tables(folder)
    unreadable = len(read_table(folder.unreadable))
    labels = tables.train.set_index("id")["label"]
    duplicates = count_duplicates(load_duplicates(folder), labels)
    return PreparedCompetition(folder, manifest, len(tables.train), len(tables.test), unreadable, duplicates)


def _make_tables(
    folder: CompetitionFolder, manifest: Manifest, progress: Progress, scan: DuplicateScan | None = None
) -> None:
    files = PhotoFiles.list_below(folder.root / manifest.photos)
    train, test = make_tables(manifest, files)
    if scan is None:
        paths = sorted({*train["path"], *test["path"]} - {""})
        photo_scan = scan_photos(files.root, paths, progress)
        scan = DuplicateScan(photo_scan, find_duplicate_pairs(photo_scan, frozenset(test["path"]), progress))
    train, test, unreadable = exclude_unreadable(train, test, scan.photo_scan.problems)
    if train.empty:
        raise BadData(f"No training photo in {files.root / manifest.train.folder} can be read: are they photos?")
    _warn_about_unreadable(unreadable, progress)
    duplicates = build_duplicates_table(train, test, scan.pairs)
    counts = count_duplicates(duplicates, train.set_index("id")["label"])
    _report_duplicates(folder, counts, progress)
    train = group_twins(train, group_copies(train["path"], scan.pairs))
    save_tables(folder, manifest, train, test, unreadable, duplicates)


def find_duplicate_pairs(photo_scan: PhotoScan, to_predict: frozenset[str], progress: Progress) -> list[DuplicatePair]:
    """Pair photos of the same bytes, then those of the same picture; photos to predict not with each other."""
    return find_identical_pairs(photo_scan.digests, to_predict) + find_near_duplicates(
        photo_scan.thumbnails, progress, to_predict
    )


def _report_duplicates(folder: CompetitionFolder, counts: DuplicateCounts, progress: Progress) -> None:
    message = counts.describe()
    if message:
        progress.note(f"{message} (listed in {folder.duplicates})")
    if counts.contradicting:
        progress.warn(
            f"{format_count(range(counts.contradicting), 'pair')} of training photos "
            f"{'shows' if counts.contradicting == 1 else 'show'} the same picture under different labels: see "
            f"{folder.duplicates}."
        )


def _warn_about_unreadable(unreadable: pd.DataFrame, progress: Progress) -> None:
    for where, fate in (("train", "left out"), ("test", "predicted by the prior")):
        rows = unreadable[unreadable["set"] == where]
        if len(rows):
            names = [path or identity for path, identity in zip(rows["path"], rows["id"], strict=True)]
            more = ", ..." if len(names) > _MAX_NAMES_SHOWN else ""
            progress.warn(
                f"{format_count(names, f'{where} photo')} cannot be read, {fate}: "
                f"{', '.join(names[:_MAX_NAMES_SHOWN])}{more} "
                f"({rows['reason'].iloc[0]})"
            )
