"""Make a competition of a local folder."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ...competition.csv_tables import write_table
from ...competition.duplicates import group_copies
from ...competition.layout.layout import Hints, find_layout
from ...competition.layout.local import choose_test_photos, find_local_layout
from ...competition.manifest import Manifest
from ...competition.photo_files import PhotoFiles
from ...competition.sample_submission import find_sample
from ...competition.tables import invalidate_tables
from ...errors import BadChoice, StorageError
from ...images.photo_scan import scan_photos
from ...paths import DEFAULT_WORKSPACE, CompetitionFolder, Workspace
from ...progress import SILENT, Progress
from ...storage import remove_file
from ..results import PreparedCompetition
from .answers import back_up_edited_manifest, merge_hints, save_manifest
from .tables import NO_HINTS, DuplicateScan, find_duplicate_pairs, prepare_competition


def adopt(
    photos: Path,
    name: str,
    *,
    test_size: float = 0.2,
    seed: int = 0,
    hints: Hints = NO_HINTS,
    force: bool = False,
    workspace: Workspace = DEFAULT_WORKSPACE,
    progress: Progress = SILENT,
) -> PreparedCompetition:
    """Make a competition of a local folder; see :func:`ensembler.adopt`."""
    root = photos.absolute()
    if not root.is_dir():
        raise BadChoice(f"There is no folder {photos}: `ensembler adopt` takes a folder of photos.")
    folder = workspace.competition(name)
    if force:
        remove_file(folder.hints)
    elif folder.manifest.is_file() and Manifest.load(folder.manifest).photos != str(root):
        raise StorageError(f"{name} is already the name of another competition: choose another, or --force.")
    if force or hints != NO_HINTS or not folder.manifest.is_file():
        return _adopt_anew(folder, root, test_size, seed, merge_hints(folder, hints), progress)
    return prepare_competition(folder, progress)


def _adopt_anew(
    folder: CompetitionFolder,
    root: Path,
    test_size: float,
    seed: int,
    hints: Hints,
    progress: Progress,
) -> PreparedCompetition:
    invalidate_tables(folder)
    if find_sample(root, hints.sample) is not None:
        manifest = find_layout(root, folder.name, "", hints, str(root))
        back_up_edited_manifest(folder, progress)
        remove_file(folder.solution)
        save_manifest(folder, manifest, hints)
        return prepare_competition(folder, progress)
    files = PhotoFiles.list_below(root)
    manifest = find_local_layout(files, folder.name, hints, folder.sample)
    photo_scan = scan_photos(root, files.paths, progress)
    has_test_folder = manifest.test.folder != manifest.train.folder
    to_predict = frozenset(files.select_inside(manifest.test.folder).paths if has_test_folder else ())
    pairs = find_duplicate_pairs(photo_scan, to_predict, progress)
    ids, hidden = choose_test_photos(manifest, files, group_copies(photo_scan.digests, pairs), test_size, seed)
    uniform = 1 / len(manifest.classes)
    sample = pd.DataFrame({"id": ids}).assign(**dict.fromkeys(manifest.answer.columns, uniform))
    write_table(folder.sample, sample)
    remove_file(folder.solution)
    if not hidden.empty:
        write_table(folder.solution, hidden)
    back_up_edited_manifest(folder, progress)
    save_manifest(folder, manifest, hints)
    return prepare_competition(folder, progress, DuplicateScan(photo_scan, pairs))
