"""Creation of a competition from a local folder."""

from __future__ import annotations

from pathlib import Path

from ...competition.layout.layout import Hints
from ...competition.manifest import Manifest
from ...competition.tables import invalidate_tables
from ...errors import BadChoice, StorageError
from ...paths import DEFAULT_WORKSPACE, Workspace
from ...progress import SILENT, Progress
from ...storage import remove_file
from ..results import PreparedCompetition
from .answers import merge_hints
from .detection import TEST_SIZE, detect_layout
from .tables import NO_HINTS, prepare_competition


def adopt(
    photos: Path,
    name: str,
    *,
    test_size: float = TEST_SIZE,
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
        _, scan = detect_layout(folder, root, "", str(root), hints, progress, test_size=test_size, seed=seed)
    return prepare_competition(folder, progress, scan)
