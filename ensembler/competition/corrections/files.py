"""Photos and new labels that a file of ``--exclude`` or ``--relabel`` names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ...errors import BadChoice, BadData
from ...progress import Progress
from ..manifest import SEPARATOR, Manifest
from ..table_files.reading import extract_table_suffix, read_table_file
from ..tables import Tables
from .corrections import describe_ids, list_photo_ids

# Columns that name a photo, and those that contain its new label.
_NAMES, _LABELS = ("id", "path"), ("new_label", "label")
_COLUMNS = (*_NAMES, *_LABELS, "suggestion", "set")
_EXCLUDE, _RELABEL = "exclude", "relabel"
_PLAIN_TEXT = ("", ".txt", ".list")
_SEPARATOR = re.compile(r"[,;|\t]")


@dataclass(frozen=True)
class CorrectionsFile:
    """Rows of a file about photos to train on.

    A table with a column ``suggestion``, such as ``check/doubts.csv``, excludes its rows ``exclude`` and relabels its
    rows ``relabel``. Without that column, all rows count.

    Attributes
    ----------
    path
        Path of the file.
    option
        Option that names it.
    table
        Its rows; each cell is text.
    """

    path: Path
    option: str
    table: pd.DataFrame

    @classmethod
    def read(cls, file: str, option: str) -> CorrectionsFile:
        """Read a table, or for ``--exclude`` a text file with an id on each line.

        Raises
        ------
        BadChoice
            If the file is missing or cannot be read.
        """
        path = Path(file)
        if not path.is_file():
            raise BadChoice(f"{option} must be the path of a file, such as check/doubts.csv. Received: {file}")
        return cls(path, option, _select_training_rows(_read_rows(path, option)))

    def find_excluded(self, tables: Tables, progress: Progress) -> set[str]:
        """Return the ids of the photos to exclude.

        Raises
        ------
        BadChoice
            If the file names no photos, or unknown ones.
        """
        return set(self._resolve_photos(self._select(_EXCLUDE), tables, progress))

    def find_new_labels(self, tables: Tables, progress: Progress) -> dict[str, str]:
        """Return new labels by id. The tags of a label are in the order of the classes.

        Raises
        ------
        BadChoice
            If a photo or label is unknown or missing, or a photo has two labels.
        """
        table, column = self._select(_RELABEL), self._require_column(_LABELS)
        ids, cells = self._resolve_photos(table, tables, progress), table[column].tolist()
        empty = [one for one, cell in zip(ids, cells, strict=True) if not cell]
        # A photo may have no tag at all.
        if empty and tables.manifest.task != "multilabel":
            raise BadChoice(
                f"{self.path} has no new label for {describe_ids(empty)}: fill in the column {column}, or remove these "
                "rows."
            )
        read: dict[str, str] = {}
        for identity, cell in zip(ids, cells, strict=True):
            label = self._read_label(cell, tables.manifest)
            if read.setdefault(identity, label) != label:
                raise BadChoice(
                    f"{self.path} gives {identity!r} the labels {read[identity]!r} and {label!r}: leave one of these "
                    "rows out."
                )
        return read

    def list_other_suggestions(self) -> list[str]:
        """List the suggestion of each row that does not count, such as ``remove``."""
        if "suggestion" not in self.table:
            return []
        words = self.table["suggestion"].str.lower()
        return words[~words.isin(["", _EXCLUDE, _RELABEL])].tolist()

    def _select(self, suggestion: str) -> pd.DataFrame:
        if "suggestion" not in self.table:
            return self.table
        return self.table[self.table["suggestion"].str.lower() == suggestion]

    def _require_column(self, names: Sequence[str]) -> str:
        if found := next((name for name in names if name in self.table), None):
            return found
        raise BadChoice(
            f"{self.path} has no column {' or '.join(names)}, which {self.option} needs: its columns are "
            f"{', '.join(map(str, self.table.columns))}."
        )

    def _resolve_photos(self, table: pd.DataFrame, tables: Tables, progress: Progress) -> list[str]:
        """Return the ids of the photos of the rows. A path serves where the id is unknown."""
        column, known = self._require_column(_NAMES), _list_known_names(tables)
        names, resolved = table[column].tolist(), [known.get(name) for name in table[column]]
        if column == "id" and "path" in table:
            by_path = [known.get(name) for name in table["path"]]
            self._check_consistency(table, resolved, by_path)
            replaced = [path for one, path in zip(resolved, by_path, strict=True) if one is None and path is not None]
            if replaced:
                progress.note(f"{self.path} names {describe_ids(replaced)} by the path, because the id is unknown.")
            resolved = [path if one is None else one for one, path in zip(resolved, by_path, strict=True)]
        if unknown := list(dict.fromkeys(name for name, one in zip(names, resolved, strict=True) if one is None)):
            raise BadChoice(
                f"{self.path} names {describe_ids(unknown)} that the photos to train on do not include: "
                f"{_suggest_name(unknown[0], known, column)}"
            )
        return [one for one in resolved if one is not None]

    def _check_consistency(
        self, table: pd.DataFrame, by_id: Sequence[str | None], by_path: Sequence[str | None]
    ) -> None:
        pairs = zip(table["path"], by_id, by_path, strict=True)
        if torn := [path for path, one, other in pairs if None not in (one, other) and one != other]:
            raise BadChoice(
                f"{self.path} names another photo by its id than by its path for {describe_ids(torn)}: correct it."
            )

    def _read_label(self, label: str, manifest: Manifest) -> str:
        names = label.split(SEPARATOR) if manifest.task == "multilabel" else [label]
        for name in filter(None, names):
            if name not in manifest.classes:
                near = difflib.get_close_matches(name, manifest.classes, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(manifest.classes[:12])}."
                raise BadChoice(f"{self.path} contains the new label {name!r}, which is no class of the task: {hint}")
        return normalise_label(label, manifest)


def normalise_label(label: str, manifest: Manifest) -> str:
    """Return tags in the order of the classes, and another label as it is."""
    tags = label.split(SEPARATOR)
    return SEPARATOR.join(name for name in manifest.classes if name in tags) if len(tags) > 1 else label


def _list_known_names(tables: Tables) -> dict[str, str]:
    """Return the ids of the photos by their ids and paths; those of an orientation task by the ids of rows too."""
    ids, train = list_photo_ids(tables), tables.train
    return {name: one for names in (train["path"], train["id"], ids) for name, one in zip(names, ids, strict=True)}


def _suggest_name(unknown: str, known: Mapping[str, str], column: str) -> str:
    # Spreadsheets read 007 as a number.
    zeros = next((name for name in known if name.lstrip("0") == unknown.lstrip("0")), None)
    near = [zeros] if zeros else difflib.get_close_matches(unknown, known, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"correct the column {column}, or remove these rows."


def _read_rows(path: Path, option: str) -> pd.DataFrame:
    if not path.read_bytes().strip():
        return pd.DataFrame(columns=[*_NAMES, *_LABELS], dtype=str)
    if option == "--exclude" and extract_table_suffix(path.name) in _PLAIN_TEXT and not _has_header(path):
        lines = [line.strip() for line in _read_text(path, option).splitlines()]
        return pd.DataFrame({"id": [line for line in lines if line]}, dtype=str)
    try:
        table = read_table_file(path)
    except BadData as error:
        raise BadChoice(f"{option}: {error}") from error
    # A column that is named exactly goes before one like ``New label``, and the first of several before the others.
    similar = {name.lower().replace(" ", "_"): name for name in reversed(table.columns) if name not in _COLUMNS}
    return table.rename(columns={name: new for new, name in similar.items() if new in _COLUMNS and new not in table})


def _read_text(path: Path, option: str) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadChoice(f"Cannot read {path} as text in UTF-8: {option} takes a table or a list of ids.") from error


def _has_header(path: Path) -> bool:
    first = _read_text(path, "--exclude").partition("\n")[0]
    return not {cell.strip(' "\r').lower() for cell in _SEPARATOR.split(first)}.isdisjoint(_NAMES)


def _select_training_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out empty rows, and photos to predict, which are never learned from."""
    filled = (table != "").any(axis=1)
    return table[filled & (table["set"].str.lower() == "train")] if "set" in table else table[filled]
