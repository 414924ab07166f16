"""The sample submission: the ids to predict, the columns to fill in, and their order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from ..errors import BadChoice, BadData, MissingHint, format_count
from .csv_tables import read_table
from .photo_files import PhotoFiles, has_photos

# Smallest share of a column's rows that must name photos for it to be the id column.
_MIN_PHOTO_SHARE = 0.5


@dataclass(frozen=True)
class SampleSubmission:
    """A sample submission as text: the first column contains ids, the others are to be filled in."""

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
        """Distinct cells of the first column to fill in, except empty ones."""
        return frozenset(self.table.iloc[:, 1].str.strip()) - {""}

    @classmethod
    def read(cls, path: Path) -> SampleSubmission:
        """Read a sample submission: a column of unique ids, and one or more columns to fill in."""
        table = read_table(path)
        if table.shape[1] < 2 or table.empty:
            raise BadData(f"{path} is not a sample submission: it needs an id column, a column to fill in, and rows.")
        twice = table.iloc[:, 0][table.iloc[:, 0].duplicated()]
        if len(twice):
            raise BadData(
                f"{path} contains {format_count(twice.unique(), 'id')} more than once (first: {twice.iloc[0]!r}): "
                "name another file with --sample FILE."
            )
        return cls(path, table)


def find_sample(root: Path, named: str | None) -> SampleSubmission | None:
    """Return the sample submission ``named``, or find it below ``root``; None if there is none.

    Of several, the one whose ids match the photos best is returned. If several match equally, ``MissingHint`` is
    raised. A file whose photo names are not in the first column is refused.
    """
    if named:
        path = root / named
        if not path.is_file():
            raise BadChoice(f"The file {path} does not exist: --sample expects a path relative to {root}.")
        return _read_sample(path, root)
    paths = [path for path in list_csv_files(root) if looks_like_sample(path)]
    shallow = [path for path in paths if len(path.parts) == len(paths[0].parts)]
    if len(shallow) > 1:
        return _choose_best_answered(shallow, root)
    return _read_sample(shallow[0], root) if shallow else None


def _read_sample(path: Path, root: Path) -> SampleSubmission:
    """Read a sample submission; refuse it if the names of photos are in another column than the first."""
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
                f"{path} contains the names of photos in the column {column!r}, not in the first: save a copy with "
                "that column first, and name it with --sample FILE."
            )


def _choose_best_answered(paths: list[Path], root: Path) -> SampleSubmission:
    """Choose among the samples of a competition's stages: most ids that are photos, then most ids.

    A later stage may request photos that are missing, or repeat the ids of the previous stage.
    """
    photos = PhotoFiles.list_below(root) if has_photos(root) else PhotoFiles(root, ())
    samples = [SampleSubmission.read(path) for path in paths]
    ranks = {sample.path: (photos.compute_match_share(sample.ids), len(sample.ids)) for sample in samples}
    best = max(ranks.values())
    chosen = [sample for sample in samples if ranks[sample.path] == best]
    if len(chosen) > 1 or not best[0]:
        names = ", ".join(make_relative(path, root) for path in paths)
        raise MissingHint(f"Several files may be the sample submission ({names}): name it with --sample FILE.")
    return chosen[0]


def looks_like_sample(path: Path) -> bool:
    """Return whether a file has the name of a sample submission."""
    name = path.name.lower()
    return "sample" in name and "sub" in name


def make_relative(path: Path, root: Path) -> str:
    """Return ``path`` in the manifest's notation: relative to ``root`` with forward slashes, or absolute."""
    return (path.relative_to(root) if path.is_relative_to(root) else path.absolute()).as_posix()


def list_csv_files(root: Path) -> list[Path]:
    """Return all CSVs below ``root``, the shallowest first."""
    paths = (
        path
        for path in root.rglob("*.[cC][sS][vV]")
        if not path.name.startswith(".") and "__MACOSX" not in path.parts and path.is_file()
    )
    return sorted(paths, key=lambda path: (len(path.parts), path.as_posix()))
