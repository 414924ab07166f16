"""Competitions of the labelled photos of a zip, with one set of folds per seed."""

from __future__ import annotations

import shutil
from pathlib import Path

from ensembler.competition.folds.file import load_or_make_folds
from ensembler.competition.tables import Tables, load_tables
from ensembler.paths import CompetitionFolder, Workspace
from ensembler.progress import Progress
from ensembler.storage import write_folder_atomically
from ensembler.workflows.competition import open_competition
from ensembler.workflows.fetch.adopt import adopt
from ensembler.workflows.fetch.fetch import fetch

# A competition needs photos to predict, which these benchmarks do not use.
TEST_PHOTOS = 2


def competition_of(archive: Path, photos: int | None, work: Path, progress: Progress) -> CompetitionFolder:
    """Create a competition from all or some labelled photos of a zip. Each photo has one label."""
    workspace = Workspace(work / f"photos-{photos or 'all'}", work / "submissions")
    folder = workspace.competition("labelled")
    if not folder.stamp.is_file():
        fetched = Workspace(work / "fetched", work / "submissions")
        fetch(archive.stem, archive=archive, workspace=fetched, progress=progress)
        _, tables = open_competition(archive.stem, fetched)
        root = workspace.data / "by-class"
        copy_photos(tables, photos, root)
        adopt(root, folder.name, workspace=workspace, progress=progress)
    return folder


def copy_photos(tables: Tables, count: int | None, root: Path) -> None:
    """Copy a stratified sample of ``count`` labelled photos into one folder per class."""
    shuffled = tables.train.sample(frac=1, random_state=0)
    sizes = shuffled["label"].map(shuffled["label"].value_counts())
    spread = (shuffled.groupby("label").cumcount() + 0.5) / sizes
    chosen = shuffled.loc[spread.sort_values(kind="stable").index[:count]]
    with write_folder_atomically(root) as place:
        for label, path in zip(chosen["label"], chosen["path"], strict=True):
            copy_photo(tables.photos / path, place / label)
        for photo in tables.test_paths[:TEST_PHOTOS]:
            copy_photo(photo, place / "test")


def copy_photo(photo: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(photo, folder / photo.name)


def with_folds(shared: CompetitionFolder, folds: int, seed: int) -> CompetitionFolder:
    """Return the competition with the folds of a seed. All seeds share its frozen features."""
    folder = CompetitionFolder(shared.root.parent / f"seed-{seed}")
    if not folder.folds.is_file():
        folder.root.mkdir(exist_ok=True)
        for path in filter(Path.is_file, shared.root.iterdir()):
            shutil.copyfile(path, folder.root / path.name)
        shared.features.mkdir(parents=True, exist_ok=True)
        if not folder.features.parent.exists():
            folder.features.parent.symlink_to(shared.features.parent)
        load_or_make_folds(folder, load_tables(folder), folds, seed=seed)
    return folder
