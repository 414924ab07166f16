"""The search for the table of labels and its columns among a competition's CSVs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ...errors import BadChoice, BadData, MissingHint, format_first
from ...paths import require_file
from ..photo_files import PhotoFiles
from ..sample_submission import SampleSubmission, make_relative
from ..table_files.reading import read_columns, read_table_file
from .evidence import Evidence
from .groups import find_id_column, rank_group_name
from .hints import NO_HINTS, Hints
from .readable_tables import list_readable_tables
from .sample_cells import may_ask_for

_LABEL_NAMES = ("label", "labels", "class", "target", "category", "species", "breed", "tags", "classname")


@dataclass(frozen=True)
class LabelTable:
    """A CSV whose ``id_column`` contains the names of photos, and its other columns.

    ``group_column`` is the column of groups if the user named it. It is none of the others.
    """

    path: Path
    id_column: str
    other_columns: tuple[str, ...]
    group_column: str = ""

    def find_sample_columns(self, sample: SampleSubmission | None) -> tuple[str, ...]:
        """Return the columns of the sample if the table contains all of them, else none."""
        return sample.columns if sample and set(sample.columns) <= set(self.other_columns) else ()

    def find_columns_by_name(self, sample: SampleSubmission | None) -> tuple[str, ...]:
        """Return the columns with names of labels: those of the sample, or one such as ``label``; else none."""
        if columns := self.find_sample_columns(sample):
            return columns
        likely = tuple(name for name in self.other_columns if name.lower() in _LABEL_NAMES)
        return likely if len(likely) == 1 else ()

    def choose_columns(self, sample: SampleSubmission | None, named: str | None) -> tuple[str, ...]:
        """Return the columns of labels: the one ``named``, else those found by names and values."""
        if named:
            if named in (self.id_column, self.group_column):
                other = "--image-column" if named == self.id_column else "--group-column"
                raise BadChoice(f"The column {named!r} of {self.path} is that of {other}: name another --label-column.")
            if named not in self.other_columns:
                raise BadChoice.from_unknown_name("label column", named, self.other_columns)
            return (named,)
        if decided := self.decide_columns(sample):
            return decided
        raise MissingHint(
            f"Several columns of {self.path} may contain the label ({', '.join(self.other_columns)}): name it with "
            "--label-column COLUMN."
        )

    def decide_columns(self, sample: SampleSubmission | None) -> tuple[str, ...]:
        """Return the columns of labels found by names and values; none if several are possible."""
        if (columns := self.find_sample_columns(sample)) or len(columns := self.other_columns) == 1:
            return columns
        if sample is not None and len(sample.columns) == 1:
            return self._find_answering_column(sample)
        columns = self.find_columns_by_name(sample)
        left = tuple(name for name in self.other_columns if rank_group_name(name) is None) or self.other_columns
        if columns or len(left) == 1:
            return columns or left
        if sample is None and read_table_file(self.path, columns=left).isin(["0", "1", "-1"]).all(axis=None):
            return left
        return ()

    def _find_answering_column(self, sample: SampleSubmission) -> tuple[str, ...]:
        """Return the only column whose values fit the sample's cells; none if several do.

        A likely name does not decide, and the label may be a group: the individual whale rather than its species.
        """
        table = read_table_file(self.path, columns=self.other_columns)
        fitting = tuple(name for name in self.other_columns if may_ask_for(sample.cells, table[name].str.strip()))
        return fitting if len(fitting) == 1 else ()


def resolve_label_table(name: str, photos: PhotoFiles, folder: str, hints: Hints = NO_HINTS) -> LabelTable:
    """Return the table that the user named.

    Raises
    ------
    BadChoice
        If the file or one of the named columns does not exist.
    BadData
        If no column contains the names of photos.
    """
    path = photos.root / name
    require_file(path, f"--labels expects a file, with its path relative to {photos.root}.")
    for kind, column in _list_named_columns(hints):
        if column not in (header := read_columns(path)):
            raise BadChoice.from_unknown_name(f"{kind} column in {path}", column, header)
    if (named := hints.image_column) and named == hints.group_column:
        raise BadChoice(f"The column {named!r} of {path} cannot be both --image-column and --group-column.")
    table = _read_label_table(path, photos, hints)
    if table is None and hints.image_column:
        raise _make_no_photo_error([path], photos, hints)
    if table is None:
        raise BadData(
            f"{path} does not contain a column with the names of photos in {photos.root / folder} and a column of "
            "labels: correct it, name the column with --image-column COLUMN, or name another file with --labels FILE."
        )
    return table


def _list_named_columns(hints: Hints) -> list[tuple[str, str]]:
    """Return the columns that the user named, each after its kind. The column of labels is checked when it is read."""
    kinds = (("image", hints.image_column), ("group", hints.group_column))
    return [(kind, column) for kind, column in kinds if column]


def find_label_table(
    photos: PhotoFiles,
    sample: SampleSubmission | None,
    evidence: Evidence,
    hints: Hints = NO_HINTS,
    *,
    by_name_only: bool,
) -> LabelTable | None:
    """Find the table of labels, which contains all columns that the user named.

    With ``by_name_only``, for photos that have labels from another source too, a table counts only if the names of its
    columns are names of labels. Of several tables with the same labels, the one with the most rows is used. Several
    possible tables with other labels raise ``MissingHint``.
    """
    paths = list_readable_tables(photos.root, sample)
    if named := _list_named_columns(hints):
        headers = {path: read_columns(path) for path in paths}
        paths = [path for path, header in headers.items() if {column for _, column in named} <= set(header)]
        if not paths:
            raise _make_no_table_error(named, headers, photos)
    tables = [table for path in paths if (table := _read_label_table(path, photos, hints))]
    if named and not tables:
        raise _make_no_photo_error(paths, photos, hints)
    # A table of only ids and groups contains no labels.
    tables = [table for table in tables if any(rank_group_name(name) is None for name in table.other_columns)]
    with_sample_columns = [table for table in tables if table.find_sample_columns(sample)]
    clearly_named = with_sample_columns or [table for table in tables if table.find_columns_by_name(sample)]
    if by_name_only:
        # A table with several possible columns is ignored, since the folders already contain the labels.
        tables = clearly_named = [table for table in clearly_named if table.decide_columns(sample)]
    candidates = clearly_named or tables
    likely = [table for table in candidates if re.search("train|label", table.path.stem.lower())] or candidates
    if len(likely) > 1:
        return _choose_largest(likely, photos, sample, evidence)
    return likely[0] if likely else None


def _make_no_table_error(named: list[tuple[str, str]], headers: dict[Path, list[str]], photos: PhotoFiles) -> BadChoice:
    """Return the error of named columns that no table contains."""
    wanted = " and ".join(f"{kind} column {column!r}" for kind, column in named)
    known = [f"{make_relative(path, photos.root)} has {', '.join(header)}" for path, header in headers.items()]
    listed = "; ".join(known) if known else "there is no table"
    return BadChoice(f"No table in {photos.root} has the {wanted}: {listed}.")


def _make_no_photo_error(paths: list[Path], photos: PhotoFiles, hints: Hints) -> BadChoice:
    """Return the error of tables that have the named columns, but no column of photos."""
    files = format_first([make_relative(path, photos.root) for path in paths])
    if column := hints.image_column:
        return BadChoice(
            f"No cell of the column {column!r} of {files} is the name of a photo in {photos.root}: name another "
            "--image-column."
        )
    return BadChoice(f"{files} has no column with the names of photos in {photos.root}: name it with --image-column.")


def _choose_largest(
    tables: list[LabelTable], photos: PhotoFiles, sample: SampleSubmission | None, evidence: Evidence
) -> LabelTable:
    """Return the table with the most rows if it contains the labels of all others; else raise ``MissingHint``."""
    contents = [_read_distinct_rows(table, photos, sample) for table in tables]
    order = sorted(range(len(tables)), key=lambda place: (-len(contents[place]), len(tables[place].path.name)))
    largest = order[0]
    names = [make_relative(table.path, photos.root) for table in tables]
    if not all(contents) or not all(rows <= contents[largest] for rows in contents):
        raise MissingHint(f"Several tables may contain the labels ({', '.join(names)}): name one with --labels FILE.")
    for place in order[1:]:
        evidence.leave_out(names[place], f"its labels are also in {names[largest]}")
    return tables[largest]


def _read_distinct_rows(table: LabelTable, photos: PhotoFiles, sample: SampleSubmission | None) -> set[tuple[str, ...]]:
    """Return the photos and labels of a table; empty if its columns are not known."""
    columns = table.decide_columns(sample)
    if not columns:
        return set()
    rows = read_table_file(table.path, columns=[table.id_column, *columns])
    paths = rows[table.id_column].map(photos.find)
    return set(zip(paths, *(rows[name] for name in columns), strict=True))


def _read_label_table(path: Path, photos: PhotoFiles, hints: Hints) -> LabelTable | None:
    id_column = hints.image_column or find_id_column(path, photos)
    if not id_column or (hints.image_column and not _names_photos(path, id_column, photos)):
        return None
    group_column = hints.group_column or ""
    others = tuple(name for name in read_columns(path) if name not in (id_column, group_column))
    return LabelTable(path, id_column, others, group_column)


def _names_photos(path: Path, column: str, photos: PhotoFiles) -> bool:
    """Return whether any cell of a column is the name of a photo."""
    return any(map(photos.find, read_table_file(path, columns=[column])[column]))
