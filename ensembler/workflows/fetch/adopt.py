"""Creation of a competition from a local folder."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ...competition.csv_tables import write_table
from ...competition.duplicates import group_copies
from ...competition.layout.evidence import Evidence
from ...competition.layout.layout import Hints, find_layout
from ...competition.layout.local import choose_test_photos, find_local_layout
from ...competition.manifest import Manifest
from ...competition.photo_files import PhotoFiles
from ...competition.sample_submission import find_sample
from ...competition.tables import invalidate_tables
from ...errors import BadChoice, StorageError
from ...paths import DEFAULT_WORKSPACE, CompetitionFolder, Workspace
from ...progress import SILENT, Progress
from ...storage import remove_file
from ..results import PreparedCompetition
from .answers import back_up_edited_manifest, merge_hints, save_manifest
from .tables import NO_HINTS, DuplicateScan, prepare_competition, scan_duplicates


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
    """Create a competition from a local folder. See :func:`ensembler.adopt`."""
    root = photos.absolute()
    if not root.is_dir():
        raise BadChoice(f"The folder {photos} does not exist: pass a folder of photos.")
    folder = workspace.competition(name)
    if force:
        remove_file(folder.hints)
    elif folder.manifest.is_file() and Manifest.load(folder.manifest).photos != str(root):
        raise StorageError(
            f"{name} is already the name of another competition: choose another, or replace it with --force."
        )
    scan = None
    if force or hints != NO_HINTS or not folder.manifest.is_file():
        hints = merge_hints(folder, hints)
        invalidate_tables(folder)
        hidden, evidence = pd.DataFrame(), Evidence()
        if find_sample(root, hints.sample) is not None:
            manifest = find_layout(root, name, "", hints, str(root), evidence=evidence)
        else:
            manifest, hidden, scan = _hold_out_photos(folder, root, test_size, seed, hints, evidence, progress)
        remove_file(folder.solution)
        if not hidden.empty:
            write_table(folder.solution, hidden)
        back_up_edited_manifest(folder, progress)
        save_manifest(folder, manifest, hints, evidence, progress)
    return prepare_competition(folder, progress, scan)


def _hold_out_photos(
    folder: CompetitionFolder,
    root: Path,
    test_size: float,
    seed: int,
    hints: Hints,
    evidence: Evidence,
    progress: Progress,
) -> tuple[Manifest, pd.DataFrame, DuplicateScan]:
    """Choose the photos to predict, and write a sample submission for them."""
    files = PhotoFiles.list_below(root)
    manifest = find_local_layout(files, folder.name, hints, folder.sample, evidence)
    has_test_folder = manifest.test.folder != manifest.train.folder
    to_predict = frozenset(files.select_inside(manifest.test.folder).paths if has_test_folder else ())
    scan = scan_duplicates(root, files.paths, to_predict, progress)
    copies = group_copies(scan.photo_scan.digests, scan.pairs)
    ids, hidden = choose_test_photos(manifest, files, copies, test_size, seed)
    uniform = 1 / len(manifest.classes)
    write_table(folder.sample, pd.DataFrame({"id": ids}).assign(**dict.fromkeys(manifest.answer.columns, uniform)))
    return manifest, hidden, scan
