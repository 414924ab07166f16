"""Rows of a table of labels with the photo of each, and the treatment of rows that repeat or contradict each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ..errors import BadData, format_count, format_first
from .manifest import SEPARATOR, TrainLayout
from .photo_files import PhotoFiles
from .photo_ids import find_nearest, normalise_text
from .table_files.reading import read_columns, read_table_file
from .tag_cells import split_cells


@dataclass(frozen=True)
class LabelRows:
    """Distinct rows of a table of labels.

    ``table`` has the columns id, path and the label columns of the table; the path of an id without a photo is empty.
    ``repeated`` counts the rows that were equal to another.
    """

    source: Path
    table: pd.DataFrame
    columns: tuple[str, ...]
    repeated: int

    @property
    def without_photo(self) -> pd.Series:
        """Ids without a photo."""
        return self.table.loc[self.table["path"] == "", "id"]

    @property
    def contradicting(self) -> pd.Series:
        """Mask of the rows whose photo or id also has another label."""
        paths = self.table["path"].where(self.table["path"] != "", self.table["id"])
        return paths.duplicated(keep=False)

    @property
    def text(self) -> pd.Series:
        """Label of each row as text, all columns joined, by the table's index."""
        cells = self.table[list(self.columns)]
        joined: pd.Series = cells.iloc[:, 0] if len(self.columns) == 1 else cells.sum(axis=1)
        return joined


def read_label_rows(layout: TrainLayout, photos: PhotoFiles) -> LabelRows:
    """Read the table of labels in ``layout``. Equal rows count once, and rows without photo and label are left out.

    Raises
    ------
    BadData
        If the table lacks a column.
    """
    source = photos.root / layout.file
    if missing := {layout.id_column, *layout.columns} - set(header := read_columns(source)):
        raise BadData(
            f"{source} does not contain the column {', '.join(sorted(missing))} (it has "
            f"{', '.join(header)}): correct [train] in competition.toml."
        )
    rows = read_table_file(source, columns=[layout.id_column, *layout.columns])
    # The columns are named by their places, since one of the table's may be called id or path.
    names = tuple(f"label {number}" for number in range(len(layout.columns)))
    table = rows[list(layout.columns)].map(normalise_text).set_axis(list(names), axis=1)
    table.insert(0, "path", rows[layout.id_column].map(photos.find))
    table.insert(0, "id", rows[layout.id_column])
    # A row without photo and label, such as that of a file .DS_Store, is ignored.
    table = table[(table["path"] != "") | (table[list(names)] != "").any(axis=1)]
    repeated = table.drop(columns="path").assign(id=table["path"].where(table["path"] != "", table["id"])).duplicated()
    return LabelRows(source, table[~repeated].reset_index(drop=True), names, int(repeated.sum()))


def read_flags(table: pd.DataFrame, columns: Sequence[str], source: Path) -> pd.DataFrame:
    """Return columns of 0 and 1, or of -1 and 1, as flags.

    Raises
    ------
    BadData
        If a cell is another value. Beside 0 and 1, -1 would be a third value, such as "uncertain".
    """
    numbers = table.apply(pd.to_numeric, errors="coerce")
    if not (numbers.isin([0, 1]).all(axis=None) or numbers.isin([-1, 1]).all(axis=None)):
        wrong = table.to_numpy()[~numbers.isin([0, 1]).to_numpy()][0]
        raise BadData(
            f"The columns {', '.join(columns)} of {source} contain values other than 0 and 1 (first: {wrong!r}): "
            "correct them, or name one column of classes with --label-column COLUMN; shares of votes are not "
            "supported."
        )
    flags: pd.DataFrame = numbers == 1
    return flags


def settle_rows(rows: LabelRows, layout: TrainLayout, photos: PhotoFiles, separator: str | None = None) -> pd.DataFrame:
    """Return one row for each photo, with the columns id, path and those of the labels.

    With a ``separator``, cells contain tags. They are joined by ``|``, and several rows of a photo are its tags.
    Without it, several labels of a photo contradict each other.

    Raises
    ------
    BadData
        If a row has no photo or photos have several labels, unless the layout leaves them out.
    """
    if len(unknown := rows.without_photo) and not layout.missing_photos:
        raise BadData(
            f"{rows.source} names {format_count(unknown, 'photo')} missing in {photos.root / layout.folder} (first: "
            f"{unknown.iloc[0]!r}, most like {find_nearest(unknown.iloc[0], photos.paths)}): add the photos or delete "
            "the rows, or leave such rows out with --incomplete-photos."
        )
    table = rows.table[rows.table["path"] != ""]
    if separator is not None:
        return _join_tags(table, separator)
    several = rows.contradicting[table.index]
    if several.any() and not layout.conflicting:
        photos_of = table.loc[several, "path"]
        first = table[table["path"] == photos_of.iloc[0]]
        labels = format_first(rows.text[first.index].tolist())
        raise BadData(
            f"{rows.source} gives {format_count(photos_of.unique(), 'photo')} more than one label (first: "
            f"{first['id'].iloc[0]!r}, {labels}): correct the rows, or leave such photos out with "
            "--conflicting-labels."
        )
    return table[~several].reset_index(drop=True)


def _join_tags(table: pd.DataFrame, separator: str) -> pd.DataFrame:
    """Join the tags of each photo by ``|``."""
    name = table.columns[-1]
    table = table.assign(**{name: split_cells(table[name], separator).str.join(SEPARATOR)})
    if table["path"].is_unique:
        return table.reset_index(drop=True)
    joined = table.groupby("path", sort=False).agg({"id": "first", name: SEPARATOR.join}).reset_index()
    return joined.assign(**{name: split_cells(joined[name], SEPARATOR).str.join(SEPARATOR)})[list(table.columns)]
