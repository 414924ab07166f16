"""The sample submission: the ids to predict, the columns to fill in, and their order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from ..errors import BadChoice, BadData, MissingHint, format_count
from .csv_tables import read_table
from .photo_files import PhotoFiles, has_photos

# Share of rows that must name photos for a column to be that of the ids.
_MIN_PHOTO_SHARE = 0.5


@dataclass(frozen=True)
class SampleSubmission:
    """A sample submission as text: the first column holds ids, the others are to be filled in."""

    path: Path
    table: pd.DataFrame

    @property
    def id_column(self) -> str:
        """Name of the first column."""
        return str(self.table.columns[0])

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns to fill in."""
        return tuple(map(str, self.table.columns[1:]))

    @property
    def ids(self) -> list[str]:
        """Ids in the order of the file."""
        return [str(value) for value in self.table.iloc[:, 0]]

    @cached_property
    def cells(self) -> frozenset[str]:
        """Distinct cells of the first column to fill in, without empty ones."""
        return frozenset(self.table.iloc[:, 1].str.strip()) - {""}

    @classmethod
    def read(cls, path: Path) -> SampleSubmission:
        """Read a sample submission: an id column of unique ids, and one or more columns to fill in."""
        table = read_table(path)
        if table.shape[1] < 2 or table.empty:
            raise BadData(f"{path} is no sample submission: it needs an id column, a column to fill in, and rows.")
        twice = table.iloc[:, 0][table.iloc[:, 0].duplicated()]
        if len(twice):
            raise BadData(
                f"{path} has {format_count(twice.unique(), 'id')} more than once (first: {twice.iloc[0]!r}): "
                "name another file with --sample."
            )
        return cls(path, table)


def find_sample(root: Path, named: str | None) -> SampleSubmission | None:
    """Find the sample submission below ``root``, or take the one ``named``; None if there is none.

    Of several, the one that the photos answer best is taken; a ``MissingHint`` asks if that leaves several. One whose
    photo names are in another column than the first is refused.
    """
    if named:
        path = root / named
        if not path.is_file():
            raise BadChoice(f"There is no {path}: --sample takes a path relative to {root}.")
        return _read_sample(path, root)
    paths = [path for path in list_csv_files(root) if looks_like_sample(path)]
    shallow = [path for path in paths if len(path.parts) == len(paths[0].parts)]
    if len(shallow) > 1:
        return _choose_best_answered(shallow, root)
    return _read_sample(shallow[0], root) if shallow else None


def _read_sample(path: Path, root: Path) -> SampleSubmission:
    """Read a sample submission whose first column has the names of photos, if any has."""
    try:
        sample = SampleSubmission.read(path)
    except BadData:
        _refuse_ids_elsewhere(path, root)
        raise
    if len(sample.columns) == 1:
        _refuse_ids_elsewhere(path, root)
    return sample


def _refuse_ids_elsewhere(path: Path, root: Path) -> None:
    table = read_table(path)
    if table.empty or not has_photos(root):
        return
    photos = PhotoFiles.list_below(root)
    if photos.compute_match_share(table.iloc[:, 0].tolist()):
        return
    for column in table.columns[1:]:
        if photos.compute_match_share(table[column].tolist()) > _MIN_PHOTO_SHARE:
            raise BadData(
                f"{path} has the names of photos in its column {column!r}, not in the first: save it with that column "
                "first, and name that file with --sample."
            )


def _choose_best_answered(paths: list[Path], root: Path) -> SampleSubmission:
    """Choose among the samples of a competition's stages: that whose ids are photos, and of those the longest.

    A later stage asks for photos that may be missing, or repeats the ids of the stage before.
    """
    photos = PhotoFiles.list_below(root) if has_photos(root) else PhotoFiles(root, ())
    samples = [SampleSubmission.read(path) for path in paths]
    ranks = {sample.path: (photos.compute_match_share(sample.ids), len(sample.ids)) for sample in samples}
    best = max(ranks.values())
    chosen = [sample for sample in samples if ranks[sample.path] == best]
    if len(chosen) > 1 or not best[0]:
        names = ", ".join(make_relative(path, root) for path in paths)
        raise MissingHint(f"Which is the sample submission: {names}? Answer with --sample FILE.")
    return chosen[0]


def looks_like_sample(path: Path) -> bool:
    """Whether a file's name says that it is a sample submission."""
    name = path.name.lower()
    return "sample" in name and "sub" in name


def make_relative(path: Path, root: Path) -> str:
    """Return ``path`` as a manifest names it: relative to ``root`` with forward slashes, or absolute outside of it."""
    return (path.relative_to(root) if path.is_relative_to(root) else path.absolute()).as_posix()


def list_csv_files(root: Path) -> list[Path]:
    """Return all CSVs below ``root``, the shallowest first."""
    paths = (
        path
        for path in root.rglob("*.[cC][sS][vV]")
        if not path.name.startswith(".") and "__MACOSX" not in path.parts and path.is_file()
    )
    return sorted(paths, key=lambda path: (len(path.parts), path.as_posix()))
