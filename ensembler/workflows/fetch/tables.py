"""Creation of a competition's tables, which requires a scan of all its photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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
from ...competition.layout.evidence import Evidence
from ...competition.manifest import SEPARATOR, Manifest, are_tables_current, describe_stale_tables, is_scan_current
from ...competition.photo_files import PhotoFiles
from ...competition.pictures.file_kinds import OTHER, PHOTO, recognise_content
from ...competition.pixels import PixelRule
from ...competition.sets.accounting import (
    account_for_files,
    find_useless_patterns,
    load_file_counts,
    save_files,
)
from ...competition.tables import (
    Tables,
    exclude_unreadable,
    group_twins,
    load_tables,
    make_tables,
    read_photo_tables,
    save_tables,
)
from ...errors import BadData, format_count, format_first
from ...images.near_duplicates import find_near_duplicates
from ...images.photo_scan import PhotoScan, scan_photos
from ...paths import CompetitionFolder, CompetitionLike, Workspace
from ...progress import Progress
from ...serialization import read_record
from ..results import PreparedCompetition
from .pixels import record_pixels


@dataclass(frozen=True)
class DuplicateScan:
    """Scan of all photos, and pairs that show the same picture."""

    photo_scan: PhotoScan
    pairs: list[DuplicatePair]


def open_refreshed_competition(
    competition: CompetitionLike | None, workspace: Workspace, progress: Progress
) -> tuple[CompetitionFolder, Tables]:
    """Open a competition. If its manifest was edited, report that and create its tables again.

    Raises
    ------
    BadChoice
        If the competition does not exist.
    BadData
        If the edited manifest does not match the files.
    """
    folder = workspace.current(competition)
    manifest = Manifest.load(folder.manifest)
    if not are_tables_current(folder, manifest):
        progress.note(f"{describe_stale_tables(folder)}: all photos are scanned to create new ones.")
        _make_tables(folder, manifest, progress)
    return folder, load_tables(folder)


def prepare_competition(
    folder: CompetitionFolder, progress: Progress, scan: DuplicateScan | None = None
) -> PreparedCompetition:
    """Create the tables of a competition with a manifest if needed, and make it the current competition.

    Photos that an earlier version scanned are scanned again, since they may need a rule of pixels.

    Raises
    ------
    BadData
        If the manifest does not match the files.
    """
    manifest = Manifest.load(folder.manifest)
    if not (are_tables_current(folder, manifest) and is_scan_current(folder)):
        _make_tables(folder, manifest, progress, scan)
    folder.workspace.make_current(folder)
    return describe_competition(folder)


def describe_competition(folder: CompetitionFolder) -> PreparedCompetition:
    """Describe a competition from its tables, without reading photos."""
    manifest, (train, test) = Manifest.load(folder.manifest), read_photo_tables(folder)
    unreadable = len(read_table(folder.unreadable))
    labels = train.set_index("id")["label"]
    duplicates = count_duplicates(load_duplicates(folder), labels)
    counts = load_file_counts(folder)
    first = train.iloc[0]
    return PreparedCompetition(
        folder,
        manifest,
        len(train),
        len(test),
        unreadable,
        duplicates,
        counts,
        f"{first['path']} is {first['label'].replace(SEPARATOR, ', ') or 'none of the classes'}",
    )


def _make_tables(
    folder: CompetitionFolder, manifest: Manifest, progress: Progress, scan: DuplicateScan | None = None
) -> None:
    files = PhotoFiles.list_below(folder.root / manifest.photos)
    train, test = make_tables(manifest, files)
    if scan is None:
        paths = sorted({*train["path"], *test["path"]} - {""})
        scan = scan_duplicates(files.root, paths, frozenset(test["path"]), progress, manifest.pixels)
    train, test, unreadable = exclude_unreadable(train, test, _explain_problems(files.root, scan.photo_scan.problems))
    unreadable = _explain_missing(unreadable, files)
    if train.empty:
        raise BadData(f"No training photo in {files.root / manifest.train.folder} can be decoded: check the files.")
    _warn_about_unreadable(unreadable, progress)
    manifest = record_pixels(folder, manifest, scan.photo_scan, progress)
    duplicates = build_duplicates_table(train, test, scan.pairs)
    counts = count_duplicates(duplicates, train.set_index("id")["label"])
    _report_duplicates(folder, counts, progress)
    train = group_twins(train, group_copies(train["path"], scan.pairs))
    _account_for_files(folder, manifest, files, train, test, unreadable, progress)
    save_tables(folder, manifest, train, test, unreadable, duplicates)


def _account_for_files(
    folder: CompetitionFolder,
    manifest: Manifest,
    photos: PhotoFiles,
    train: pd.DataFrame,
    test: pd.DataFrame,
    unreadable: pd.DataFrame,
    progress: Progress,
) -> None:
    evidence = read_record(folder.evidence, Evidence) if folder.evidence.is_file() else Evidence()
    files = account_for_files(manifest, photos, train, test, unreadable, evidence)
    save_files(folder, files)
    for pattern in find_useless_patterns(manifest, files):
        progress.warn(f"No file is left out by {pattern!r} in leave_out of {folder.manifest}: correct or delete it.")


def _explain_problems(root: Path, problems: dict[str, str]) -> dict[str, str]:
    """Return the reason of each unreadable photo. Its first bytes tell what it is, such as a HEIC file named .jpg."""
    kinds = {path: recognise_content(root / path) for path in problems}
    return {
        path: problem if kinds[path] in (PHOTO, OTHER) else f"its content is {kinds[path]}, which is not decoded here"
        for path, problem in problems.items()
    }


def _explain_missing(unreadable: pd.DataFrame, files: PhotoFiles) -> pd.DataFrame:
    """Name the format of missing photos that are present in a format that cannot be decoded."""
    others = PhotoFiles(files.root, tuple(files.undecodable))
    found = unreadable["id"].where(unreadable["path"] == "", "").map(others.find)
    reasons = found.map(lambda path: f"{path} is {files.undecodable.get(path)}, which is not decoded here")
    return unreadable.assign(reason=unreadable["reason"].where(found == "", reasons))


def scan_duplicates(
    root: Path, paths: Sequence[str], to_predict: frozenset[str], progress: Progress, rule: PixelRule
) -> DuplicateScan:
    """Scan photos, and pair identical photos and near-duplicates. Two photos to predict are never a pair.

    ``rule`` contains the keys of the rule of pixels that the manifest has already.
    """
    photo_scan = scan_photos(root, paths, progress, rule)
    identical = find_identical_pairs(photo_scan.digests, to_predict)
    return DuplicateScan(photo_scan, identical + find_near_duplicates(photo_scan.thumbnails, progress, to_predict))


def _report_duplicates(folder: CompetitionFolder, counts: DuplicateCounts, progress: Progress) -> None:
    if message := counts.describe():
        progress.note(f"{message} (listed in {folder.duplicates})")
    if counts.contradicting:
        pairs = format_count(range(counts.contradicting), "pair")
        progress.warn(f"The same picture has different labels in {pairs} of training photos: see {folder.duplicates}.")


def _warn_about_unreadable(unreadable: pd.DataFrame, progress: Progress) -> None:
    for where, fate in (("train", "left out"), ("test", "predicted by the class frequencies")):
        rows = unreadable[unreadable["set"] == where]
        if len(rows):
            names = [path or identity for path, identity in zip(rows["path"], rows["id"], strict=True)]
            subject = format_count(names, f"{where} photo")
            progress.warn(f"{subject} cannot be decoded, {fate}: {format_first(names)} ({rows['reason'].iloc[0]})")
