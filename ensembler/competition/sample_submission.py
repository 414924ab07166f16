"""The sample submission: the ids to predict, the columns to fill in, and their order."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from ..errors import BadChoice, BadData, MissingHint, format_count
from ..paths import require_file
from .photo_files import PhotoFiles, has_photos
from .table_files.listing import list_table_files
from .table_files.reading import extract_table_suffix, read_table_file

# Smallest share of a column's rows that must name photos for it to be the id column.
_MIN_PHOTO_SHARE = 0.5


@dataclass(frozen=True)
class SampleSubmission:
    """A sample submission as text: the first column contains ids, the others are to be filled in.

    A cell equal to ``placeholder`` is no example of an answer.
    """

    path: Path
    table: pd.DataFrame
    placeholder: str = ""

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
        """Distinct cells of the first column to fill in, except empty ones and placeholders."""
        return frozenset(self.table.iloc[:, 1].str.strip()) - {"", self.placeholder}

    def declare_placeholder(self, text: str) -> SampleSubmission:
        """Return the sample with cells ``text`` as placeholders. If there are none, ``BadChoice`` is raised."""
        if text not in self.cells:
            raise BadChoice(f"No cell of {self.path} is {text!r}: --placeholder expects a cell of its second column.")
        return replace(self, placeholder=text)

    def respell(self, spelling: Mapping[str, str]) -> SampleSubmission:
        """Return the sample with its columns or cells spelled like the classes; ``spelling`` maps classes to texts."""
        classes = {text: name for name, text in spelling.items()}
        if len(self.columns) > 1:
            return replace(self, table=self.table.rename(columns=classes))
        column = self.table.columns[1]
        return replace(self, table=self.table.assign(**{column: self.table[column].replace(classes)}))

    @classmethod
    def read(cls, path: Path) -> SampleSubmission:
        """Read a sample submission: a column of unique ids, and one or more columns to fill in."""
        table = read_table_file(path)
        if table.shape[1] < 2 or table.empty:
            raise BadData(f"{path} is not a sample submission: it needs an id column, a column to fill in, and rows.")
        twice = table.iloc[:, 0][table.iloc[:, 0].duplicated()]
        if len(twice):
            raise BadData(
                f"{path} contains {format_count(twice.unique(), 'id')} more than once (first: {twice.iloc[0]!r}): "
                "name another file with --sample FILE."
            )
        return cls(path, table)


def find_sample(root: Path, named: str | None, warn: Callable[[str], None] | None = None) -> SampleSubmission | None:
    """Return the sample submission ``named``, or find it below ``root``; None if there is none.

    Of several, the one whose ids match the photos best is returned, and ``warn`` receives the reason. If several match
    equally, that of the last stage is returned, or ``MissingHint`` is raised. A file whose photo names are not in the
    first column is refused.
    """
    if named:
        path = root / named
        require_file(path, f"--sample expects a file, with its path relative to {root}.")
        return _read_sample(path, root)
    paths = [path for path in list_table_files(root) if looks_like_sample(path)]
    shallow = [path for path in paths if len(path.parts) == len(paths[0].parts)]
    if len(shallow) > 1:
        return _choose_best_answered(shallow, root, warn)
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
    table = read_table_file(path)
    if table.empty or not has_photos(root):
        return
    photos = PhotoFiles.list_below(root)
    first = table.iloc[:, 0]
    least = photos.compute_match_share(first.tolist())
    # Labels such as 0 and 1 may be names of photos, but ids are not repeated.
    if least and first.is_unique:
        return
    needed = max(_MIN_PHOTO_SHARE, least)
    for column in table.columns[1:]:
        if table[column].is_unique and photos.compute_match_share(table[column].tolist()) > needed:
            raise BadData(
                f"{path} contains the names of photos in the column {column!r}, not in the first: save a copy with "
                "that column first, and name it with --sample FILE."
            )


def _choose_best_answered(paths: list[Path], root: Path, warn: Callable[[str], None] | None) -> SampleSubmission:
    """Choose among the samples of a competition's stages: most ids that are photos, then the last stage, then most ids.

    A later stage may request photos that are missing, or repeat the ids of the previous stage.
    """
    photos = PhotoFiles.list_below(root) if has_photos(root) else PhotoFiles(root, ())
    samples = _drop_copies([SampleSubmission.read(path) for path in paths])
    shares = [photos.compute_match_share(sample.ids) for sample in samples]
    best = max(shares)
    chosen = [sample for sample, share in zip(samples, shares, strict=True) if share == best and share]
    if len(chosen) > 1 and len({_extract_stage(sample.path) for sample in chosen}) == len(chosen):
        chosen = [max(chosen, key=lambda sample: _extract_stage(sample.path))]
    most = max((len(sample.ids) for sample in chosen), default=0)
    chosen = [sample for sample in chosen if len(sample.ids) == most]
    names = ", ".join(make_relative(path, root) for path in paths)
    if len(chosen) != 1:
        raise MissingHint(f"Several files may be the sample submission ({names}): name it with --sample FILE.")
    if warn and len(samples) > 1:
        name = make_relative(chosen[0].path, root)
        warn(f"Of several sample submissions ({names}), {name} is used: choose another with --sample FILE.")
    return chosen[0]


def _drop_copies(samples: list[SampleSubmission]) -> list[SampleSubmission]:
    """Return the samples without copies of another, such as ``sample_submission (1).csv``."""
    kept: list[SampleSubmission] = []
    for sample in sorted(samples, key=lambda sample: (len(sample.path.name), sample.path.name)):
        if not any(sample.table.equals(other.table) for other in kept):
            kept.append(sample)
    return kept


def _extract_stage(path: Path) -> int:
    """Return the number of the stage in a file's name; 0 if it names none."""
    found = re.search(r"(?:stage|stg|phase|round|part)[\W_]*(\d+)", path.name.lower())
    return int(found[1]) if found else 0


def looks_like_sample(path: Path) -> bool:
    """Return whether a file has the name of a sample submission."""
    name = path.name.lower()
    if extract_table_suffix(name) not in (".csv", ".tsv", ".txt") or re.search("train|label|solution", name):
        return False
    # A subsample or a subset is no sample submission.
    return "submi" in name or ("sample" in name and bool(re.search("sub(?!s)", name)))


def make_relative(path: Path, root: Path) -> str:
    """Return ``path`` in the manifest's notation: relative to ``root`` with forward slashes, or absolute."""
    return (path.relative_to(root) if path.is_relative_to(root) else path.absolute()).as_posix()
