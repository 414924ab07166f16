"""The table of labels among a competition's CSVs, and its columns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ...errors import BadChoice, BadData, Question
from ..csv_tables import read_header, read_table
from ..photo_files import PhotoFiles
from ..sample_submission import SampleSubmission, relative
from .groups import group_name_rank, id_column_of
from .readable_tables import readable_tables
from .sample_cells import may_ask_for

_LABEL_NAMES = ("label", "labels", "class", "target", "category", "species", "breed", "tags", "classname")


@dataclass(frozen=True)
class LabelTable:
    """A CSV whose ``id_column`` has the names of photos; ``others`` are its other columns."""

    path: Path
    id_column: str
    others: tuple[str, ...]

    def asked_columns(self, sample: SampleSubmission | None) -> tuple[str, ...]:
        """Columns of the sample, if the table has all of them; else none."""
        return sample.columns if sample and set(sample.columns) <= set(self.others) else ()

    def clear_columns(self, sample: SampleSubmission | None) -> tuple[str, ...]:
        """Columns that are the labels by their names: those of the sample, or one such as ``label``; else none."""
        if asked := self.asked_columns(sample):
            return asked
        likely = tuple(name for name in self.others if name.lower() in _LABEL_NAMES)
        return likely if len(likely) == 1 else ()

    def columns(self, sample: SampleSubmission | None, named: str | None) -> tuple[str, ...]:
        """Columns that hold the labels.

        Raises
        ------
        BadChoice
            If the one named is not there.
        Question
            If several could be it.
        """
        if named:
            if named not in self.others:
                raise BadChoice.unknown("label column", named, self.others)
            return (named,)
        if found := self.decided_columns(sample):
            return found
        raise Question(
            f"Which column of {self.path} holds the label: {', '.join(self.others)}? Answer with --label-column COLUMN."
        )

    def decided_columns(self, sample: SampleSubmission | None) -> tuple[str, ...]:
        """Columns that hold the labels as far as names and values tell; none if several could be it."""
        if (clear := self.asked_columns(sample)) or len(clear := self.others) == 1:
            return clear
        if sample is not None and len(sample.columns) == 1:
            return self._answering_column(sample)
        clear = self.clear_columns(sample)
        left = tuple(name for name in self.others if group_name_rank(name) is None) or self.others
        if clear or len(left) == 1:
            return clear or left
        return left if sample is None and read_table(self.path, columns=left).isin(["0", "1"]).all(axis=None) else ()

    def _answering_column(self, sample: SampleSubmission) -> tuple[str, ...]:
        """Return the only column that the sample's cells may ask for under another name; none if there are several.

        A likely name does not help, and groups may be asked for, too: which whale it is rather than its species.
        """
        table = read_table(self.path, columns=self.others)
        fitting = tuple(name for name in self.others if may_ask_for(sample.cells, table[name].str.strip()))
        return fitting if len(fitting) == 1 else ()


def named_label_table(name: str, photos: PhotoFiles, folder: str) -> LabelTable:
    """Take the table that a person named.

    Raises
    ------
    BadChoice
        If it is not there.
    BadData
        If none of its columns has the names of photos.
    """
    path = photos.root / name
    if not path.is_file():
        raise BadChoice(f"There is no {path}: --labels takes a path relative to {photos.root}.")
    table = _read(path, photos)
    if table is None:
        raise BadData(
            f"No column of {path} holds the names of photos in {photos.root / folder} beside one of labels: "
            "correct it, or name another file with --labels."
        )
    return table


def find_label_table(photos: PhotoFiles, sample: SampleSubmission | None, *, clear_only: bool) -> LabelTable | None:
    """Find the CSV that labels the photos.

    Parameters
    ----------
    photos
        The training photos.
    sample
        The sample submission, if there is one.
    clear_only
        Take a table only if the names of its columns say that it holds labels, since something else tells them, too.

    Raises
    ------
    Question
        If several could be it.
    """
    tables = [table for path in readable_tables(photos.root, sample) if (table := _read(path, photos))]
    # A table of nothing but ids and groups has no labels.
    tables = [table for table in tables if any(group_name_rank(name) is None for name in table.others)]
    asked = [table for table in tables if table.asked_columns(sample)]
    clear = asked or [table for table in tables if table.clear_columns(sample)]
    if clear_only:
        # The names may speak for a table whose columns nonetheless leave a choice, which folders need not.
        tables = clear = [table for table in clear if table.decided_columns(sample)]
    candidates = clear or tables
    likely = [table for table in candidates if re.search("train|label", table.path.stem.lower())] or candidates
    if len(likely) > 1:
        names = ", ".join(relative(table.path, photos.root) for table in likely)
        raise Question(f"Which table holds the labels: {names}? Answer with --labels FILE.")
    return likely[0] if likely else None


def _read(path: Path, photos: PhotoFiles) -> LabelTable | None:
    id_column = id_column_of(path, photos)
    if not id_column:
        return None
    return LabelTable(path, id_column, tuple(name for name in read_header(path) if name != id_column))
