"""Creation of a competition from a local folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from ...competition.layout.hints import NO_HINTS, Hints
from ...competition.manifest import Manifest
from ...competition.orientation.layout import check_task
from ...competition.tables import invalidate_tables
from ...errors import BadChoice
from ...options.arguments import check_arguments
from ...options.kinds import Seed, declare
from ...paths import DEFAULT_WORKSPACE, CompetitionFolder, PathLike, Workspace, WorkspaceLike, require_folder
from ...progress import SILENT, Progress
from ...storage import compute_file_digest
from ..results import PreparedCompetition
from .answers import merge_hints
from .detection import TEST_SIZE, are_photos_chosen, choose_photos, detect_layout
from .fetch import UnpackLimit
from .packed import read_packed_folder, unpack_packed_folder
from .tables import prepare_competition

# Share of the labelled photos to hold out.
TestSize = Annotated[float, declare("SHARE", gt=0, lt=1)]


@check_arguments
def adopt(
    photos: PathLike,
    name: str | None = None,
    *,
    test_size: TestSize = TEST_SIZE,
    seed: Seed = 0,
    hints: Hints = NO_HINTS,
    force: bool = False,
    unpack_limit: UnpackLimit | None = None,
    workspace: WorkspaceLike = DEFAULT_WORKSPACE,
    progress: Progress = SILENT,
) -> PreparedCompetition:
    """Create a competition from a local folder. See :func:`ensembler.adopt`."""
    root = Path(photos).absolute()
    require_folder(Path(photos), "pass a folder of photos.")
    is_orientation = check_task(hints)
    name = name or name_after_folder(photos, hints)
    folder = Workspace.read(workspace).competition(name)
    if not force and folder.manifest.is_file() and _locate_photos(folder) != root.resolve():
        raise BadChoice(
            f"{name} is already the name of another competition: choose another, or replace it with --force."
        )
    if not force and is_orientation and folder.manifest.is_file() and not Manifest.load(folder.manifest).is_orientation:
        raise BadChoice(f"{name} is a competition of classes: name the orientation task otherwise, or use --force.")
    scan, chosen_before = None, _compute_chosen_digest(folder)
    if force or hints != NO_HINTS or not folder.manifest.is_file():
        hints = hints if force else merge_hints(folder, hints)
        invalidate_tables(folder)
        max_bytes = None if unpack_limit is None else round(unpack_limit * 1e9)
        files, photos_at = unpack_packed_folder(folder, root, max_bytes, progress)
        _, scan = detect_layout(folder, files, "", photos_at, hints, progress, test_size=test_size, seed=seed)
    elif not are_photos_chosen(folder):
        scan = choose_photos(folder, test_size, seed, progress)
    elif (test_size, seed) != (TEST_SIZE, 0):
        progress.note("The photos to predict stay as they are: --test-size and --seed change them only with --force.")
    prepared = prepare_competition(folder, progress, scan)
    if not force and chosen_before and _compute_chosen_digest(folder) not in ("", chosen_before):
        progress.warn(
            f"The photos to predict were chosen again (`--test-size {test_size:g}`, `--seed {seed}`): earlier members "
            "and CSVs belong to other photos."
        )
    return prepared


def name_after_folder(photos: PathLike, hints: Hints) -> str:
    """Return the name of a competition of a folder. An orientation task may stand beside one of classes."""
    name = Path(photos).absolute().name
    return f"{name}-{hints.task}" if hints.task else name


def _compute_chosen_digest(folder: CompetitionFolder) -> str:
    """Return the hash of the list of photos to predict if their labels are hidden, and otherwise an empty text."""
    return compute_file_digest(folder.test) if folder.solution.is_file() and folder.test.is_file() else ""


def _locate_photos(folder: CompetitionFolder) -> Path:
    if packed := read_packed_folder(folder).folder:
        return Path(packed).resolve()
    return (folder.root / Manifest.load(folder.manifest).photos).resolve()
