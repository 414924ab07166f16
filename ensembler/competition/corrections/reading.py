"""Reading of the files of ``--exclude`` and ``--relabel``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from ...errors import BadChoice, BadData, format_count, format_first
from ...progress import SILENT, Progress
from ..manifest import SEPARATOR, Manifest
from ..table_files.reading import extract_table_suffix, read_table_file
from ..tables import Tables, encode_labels
from .corrections import Corrections, describe_ids, list_photo_ids

# Columns that name a photo, and those that contain its new label.
_NAMES, _LABELS = ("id", "path"), ("new_label", "label")
_PLAIN_TEXT = ("", ".txt", ".list")
_SEPARATOR = re.compile(r"[,;|\t]")
_SUGGESTIONS = ("", "exclude", "relabel")


def read_corrections(tables: Tables, exclude: str | None, relabel: str | None, progress: Progress) -> Corrections:
    """Read the photos to exclude, and those with other labels, and report what has no effect.

    A table with a column ``suggestion``, such as ``check/doubts.csv``, excludes its rows ``exclude`` and relabels its
    rows ``relabel``. Without that column, all rows count. A photo that is both excluded and relabelled is excluded.

    Parameters
    ----------
    exclude
        Path of a table with a column ``id`` or ``path``, or of a text file with an id on each line. None excludes
        nothing.
    relabel
        Path of a table with such a column, and with a column ``new_label`` or ``label``. None relabels nothing.

    Raises
    ------
    BadChoice
        If a file cannot be read or names unknown photos or labels, a photo gets two labels, a class would have no
        photo left, or the rotations of an orientation task are relabelled.
    """
    if relabel is not None and tables.manifest.is_orientation:
        raise BadChoice(
            "--relabel is not for an orientation task, in which the rotation is the label: turn the file itself, or "
            "leave the photo out with --exclude."
        )
    named = _read_excluded(tables, exclude, progress) if exclude is not None else set[str]()
    # One file is told about once.
    labels = _read_labels(tables, relabel, SILENT if relabel == exclude else progress) if relabel is not None else {}
    ids = list(dict.fromkeys(list_photo_ids(tables)))
    both = [one for one in ids if one in named and one in labels]
    present = dict(zip(tables.train["id"], tables.train["label"], strict=True))
    same = [one for one in ids if one in labels and one not in named and _is_same(labels[one], present[one], tables)]
    without_effect = named.union(same)
    corrections = Corrections(
        tuple(one for one in ids if one in named),
        {one: labels[one] for one in ids if one in labels and one not in without_effect},
    )
    if exclude is not None and not named:
        progress.warn(f"{exclude} excludes no photo: it has no row that says so.")
    if relabel is not None and not corrections.relabelled:
        progress.warn(f"{relabel} relabels no photo: it has no row with another label.")
    elif same:
        progress.note(f"{relabel} changes nothing for {describe_ids(same)}, whose label is the same.")
    if both:
        progress.note(f"Excluded, although {relabel} gives another label: {describe_ids(both)}.")
    if untagged := [one for one, label in labels.items() if not label and one not in without_effect]:
        progress.note(f"{relabel} takes all tags from {describe_ids(untagged)}.")
    _check_classes(tables, corrections)
    return corrections


def _is_same(label: str, present: str, tables: Tables) -> bool:
    # Tags may be in another order.
    return label == _normalise_label(present, tables.manifest)


def _read_excluded(tables: Tables, file: str, progress: Progress) -> set[str]:
    path = _find_file(file, "--exclude")
    if extract_table_suffix(path.name) in _PLAIN_TEXT and not _has_header(path):
        lines = [line.strip() for line in _read_text(path, "--exclude").splitlines()]
        return set(_resolve_photos(tables, pd.DataFrame({"id": [line for line in lines if line]}, dtype=str), path))
    table = _select_rows(_read_table(path, "--exclude"), "exclude", path, progress)
    _find_column(table, _NAMES, path, "--exclude")
    return set(_resolve_photos(tables, table, path))


def _read_labels(tables: Tables, file: str, progress: Progress) -> dict[str, str]:
    path = _find_file(file, "--relabel")
    table = _select_rows(_read_table(path, "--relabel"), "relabel", path, progress)
    _, labels = (_find_column(table, names, path, "--relabel") for names in (_NAMES, _LABELS))
    ids = _resolve_photos(tables, table, path)
    empty = [one for one, label in zip(ids, table[labels], strict=True) if not label]
    if empty and tables.manifest.task != "multilabel":
        raise BadChoice(
            f"{path} has no new label for {describe_ids(empty)}: fill in the column {labels}, or remove these rows."
        )
    read: dict[str, str] = {}
    for identity, label in zip(ids, _read_new_labels(tables.manifest, table[labels], path), strict=True):
        if read.setdefault(identity, label) != label:
            raise BadChoice(
                f"{path} gives {identity!r} the labels {read[identity]!r} and {label!r}: leave one of these rows out."
            )
    return read


def _find_file(file: str, option: str) -> Path:
    path = Path(file)
    if not path.is_file():
        raise BadChoice(f"{option} must be the path of a file, such as check/doubts.csv. Received: {file}")
    return path


def _read_text(path: Path, option: str) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadChoice(f"Cannot read {path} as text in UTF-8: {option} takes a table or a list of ids.") from error


def _has_header(path: Path) -> bool:
    first = _read_text(path, "--exclude").partition("\n")[0]
    return not {cell.strip(' "').lower() for cell in _SEPARATOR.split(first)}.isdisjoint(_NAMES)


def _read_table(path: Path, option: str) -> pd.DataFrame:
    if not path.read_bytes().strip():
        return pd.DataFrame(columns=[*_NAMES, *_LABELS], dtype=str)
    try:
        table = read_table_file(path)
    except BadData as error:
        raise BadChoice(f"{option}: {error}") from error
    # A spreadsheet leaves rows of empty cells.
    return table.rename(columns=_normalise_name)[(table != "").any(axis=1)]


def _normalise_name(column: str) -> str:
    """Return the name of a known column as it is written, such as ``new_label`` for ``New label``."""
    name = column.lower().replace(" ", "_")
    return name if name in (*_NAMES, *_LABELS, "suggestion", "set") else column


def _select_rows(table: pd.DataFrame, suggestion: str, path: Path, progress: Progress) -> pd.DataFrame:
    if "suggestion" not in table:
        return table
    suggestions = table["suggestion"].str.lower()
    if others := sorted(set(suggestions) - set(_SUGGESTIONS)):
        count = int(suggestions.isin(others).sum())
        progress.warn(
            f"{format_count(range(count), 'row')} of {path} with the suggestion {format_first(others)} "
            f"{'has' if count == 1 else 'have'} no effect: known are exclude and relabel."
        )
    chosen = suggestions == suggestion
    # Photos to predict are never learned from.
    return table[chosen & (table["set"].str.lower() == "train")] if "set" in table else table[chosen]


def _find_column(table: pd.DataFrame, names: Sequence[str], path: Path, option: str) -> str:
    if found := next((name for name in names if name in table), None):
        return found
    raise BadChoice(
        f"{path} has no column {' or '.join(names)}, which {option} needs: its columns are "
        f"{', '.join(map(str, table.columns))}."
    )


def _resolve_photos(tables: Tables, table: pd.DataFrame, path: Path) -> list[str]:
    """Return the ids of the photos that the rows name, by the column ``id``, or else by ``path``.

    A spreadsheet turns the id ``0012`` into ``12``, but leaves the path.
    """
    ids = list_photo_ids(tables)
    known = {"id": dict(zip(ids, ids, strict=True)), "path": dict(zip(tables.train["path"], ids, strict=True))}
    columns = [name for name in _NAMES if name in table]
    rows = table[columns].to_dict("records")
    found = [[known[name][row[name]] for name in columns if row[name] in known[name]] for row in rows]
    if unknown := list(dict.fromkeys(row[columns[0]] for row, named in zip(rows, found, strict=True) if not named)):
        near = difflib.get_close_matches(unknown[0], known[columns[0]], n=1, cutoff=0.6)
        hint = f"did you mean {near[0]}?" if near else f"correct the column {columns[0]}, or remove these rows."
        raise BadChoice(f"{path} names {describe_ids(unknown)} that the photos to train on do not include: {hint}")
    if torn := [row["path"] for row, named in zip(rows, found, strict=True) if len(set(named)) > 1]:
        raise BadChoice(f"{path} names another photo by its id than by its path for {describe_ids(torn)}: correct it.")
    return [named[0] for named in found]


def _normalise_label(label: str, manifest: Manifest) -> str:
    """Return tags in the order of the classes."""
    tags = label.split(SEPARATOR)
    return SEPARATOR.join(name for name in manifest.classes if name in tags) if len(tags) > 1 else label


def _read_new_labels(manifest: Manifest, cells: pd.Series, path: Path) -> Iterator[str]:
    is_multilabel = manifest.task == "multilabel"
    for label in cells:
        # A photo may have no tag at all.
        for name in label.split(SEPARATOR) if is_multilabel and label else [] if is_multilabel else [label]:
            if name not in manifest.classes:
                near = difflib.get_close_matches(name, manifest.classes, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(manifest.classes[:12])}."
                raise BadChoice(f"{path} contains the new label {name!r}, which is no class of the task: {hint}")
        yield _normalise_label(label, manifest)


def _check_classes(tables: Tables, corrections: Corrections) -> None:
    """Refuse corrections that leave a class without a photo."""
    if not corrections or tables.manifest.is_orientation:
        if corrections and set(list_photo_ids(tables)) == set(corrections.excluded):
            raise BadChoice("--exclude would leave no photo to learn from: exclude fewer.")
        return
    ids = tables.train["id"]
    excluded, labels = ids.isin(corrections.excluded), tables.train["label"]
    after = labels.where(~ids.isin(corrections.relabelled), ids.map(dict(corrections.relabelled)))[~excluded]
    lost = [
        name
        for name, had, has in zip(
            tables.manifest.classes, _count_classes(labels, tables), _count_classes(after, tables), strict=True
        )
        if had and not has
    ]
    if lost:
        raise BadChoice(
            f"--exclude and --relabel would leave no photo of the class {format_first(lost)} to learn from: correct "
            "fewer photos."
        )


def _count_classes(labels: pd.Series, tables: Tables) -> list[int]:
    """Count the photos of each class."""
    counts = [int(count) for count in encode_labels(labels, tables.manifest).sum(axis=0)]
    # A binary task has a column for its second class only.
    return counts if len(counts) == len(tables.manifest.classes) else [len(labels) - counts[0], counts[0]]
