"""Make a competition of a local folder, and open one that was brought in."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ...competition.csv_tables import write_table
from ...competition.duplicates import (
    families,
)
from ...competition.layout.layout import Hints, find_layout
from ...competition.layout.local import choose_test, find_local_layout
from ...competition.manifest import Manifest
from ...competition.photo_files import PhotoFiles
from ...competition.sample_submission import find_sample
from ...competition.tables import (
    forget_tables,
)
from ...errors import BadChoice, StorageError
from ...images.photo_scan import take_census
from ...paths import HERE, CompetitionFolder, Workspace
from ...progress import SILENT, Progress
from ...storage import remove
from ..competition import NO_HINTS, Seen, _pairs, ready
from ..results import Fetched
from .answers import keep_edited, remembered, save_found


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
