"""The sample submission: it says which ids to predict, which columns to fill in, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ..errors import BadChoice, BadData, Question, counted
from .csv_tables import read_table


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
        """Ids in the order to keep."""
        return [str(value) for value in self.table.iloc[:, 0]]

    @property
    def has_numbers(self) -> bool:
        """Whether all cells to fill in hold numbers, as a sample of probabilities does."""
        cells = self.table.iloc[:, 1:].head(1000)
        return bool(cells.apply(pd.to_numeric, errors="coerce").notna().all(axis=None))

    @classmethod
    def read(cls, path: Path) -> SampleSubmission:
        """Read a sample submission.

        Raises
        ------
        BadData
            If it has fewer than two columns, no rows, or an id twice.
        """
        table = read_table(path)
        if table.shape[1] < 2 or table.empty:
            raise BadData(f"{path} is no sample submission: it needs an id column, a column to fill in, and rows.")
        twice = table.iloc[:, 0][table.iloc[:, 0].duplicated()]
        if len(twice):
            raise BadData(
                f"{path} has {counted(twice.unique(), 'id')} more than once (first: {twice.iloc[0]!r}): "
                "name another file with --sample."
            )
        return cls(path, table)


def find_sample(root: Path, named: str | None) -> SampleSubmission | None:
    """Find the sample submission below ``root``, or take the one ``named``; None if there is none.

    Raises
    ------
    BadChoice
        If the one named is not there.
    Question
        If several could be it.
    """
    if named:
        path = root / named
        if not path.is_file():
            raise BadChoice(f"There is no {path}: --sample takes a path relative to {root}.")
        return SampleSubmission.read(path)
    found = [path for path in csv_files(root) if looks_like_sample(path)]
    if not found:
        return None
    shallow = [path for path in found if len(path.parts) == len(found[0].parts)]
    if len(shallow) > 1:
        names = ", ".join(relative(path, root) for path in shallow)
        raise Question(f"Which is the sample submission: {names}? Answer with --sample FILE.")
    return SampleSubmission.read(found[0])


def looks_like_sample(path: Path) -> bool:
    """Whether a file's name says that it is a sample submission."""
    name = path.name.lower()
    return "sample" in name and "sub" in name


def relative(path: Path, root: Path) -> str:
    """``path`` as a manifest names it: from ``root`` on, with forward slashes; absolute if it lies elsewhere."""
    return (path.relative_to(root) if path.is_relative_to(root) else path.absolute()).as_posix()


def csv_files(root: Path) -> list[Path]:
    """All CSVs below ``root``, the shallowest first."""
    found = (path for path in root.rglob("*.csv") if not path.name.startswith(".") and "__MACOSX" not in path.parts)
    return sorted(found, key=lambda path: (len(path.parts), path.as_posix()))
