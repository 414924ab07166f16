"""Reading of the files of ``--exclude`` and ``--relabel``."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from ...errors import BadChoice, BadData, format_first
from ...progress import Progress
from ..manifest import SEPARATOR, Manifest
from ..table_files.reading import extract_table_suffix, read_table_file
from ..tables import Tables, encode_labels
from .corrections import Corrections, describe_ids, list_photo_ids

# Columns that name a photo, and those that contain its new label.
_NAMES, _LABELS = ("id", "path"), ("new_label", "label")
_PLAIN_TEXT = ("", ".txt", ".list")


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
    named = _read_excluded(tables, exclude) if exclude is not None else set[str]()
    labels = _read_labels(tables, relabel) if relabel is not None else {}
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
    _check_classes(tables, corrections)
    return corrections


def _is_same(label: str, present: str, tables: Tables) -> bool:
    # Tags may be in another order.
    return label == _normalise_label(present, tables.manifest)


def _read_excluded(tables: Tables, file: str) -> set[str]:
    path = _find_file(file, "--exclude")
    if extract_table_suffix(path.name) in _PLAIN_TEXT and not _has_header(path):
        lines = [line.strip() for line in _read_text(path, "--exclude").splitlines()]
        return set(_resolve_photos(tables, pd.Series([line for line in lines if line], dtype=str), "id", path))
    table = _select_rows(_read_table(path, "--exclude"), "exclude")
    column = _find_column(table, _NAMES, path, "--exclude")
    return set(_resolve_photos(tables, table[column], column, path))


def _read_labels(tables: Tables, file: str) -> dict[str, str]:
    path = _find_file(file, "--relabel")
    table = _select_rows(_read_table(path, "--relabel"), "relabel")
    column, labels = (_find_column(table, names, path, "--relabel") for names in (_NAMES, _LABELS))
    ids = _resolve_photos(tables, table[column], column, path)
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
    return any(name in [cell.strip(' "') for cell in first.replace("\t", ",").split(",")] for name in _NAMES)


def _read_table(path: Path, option: str) -> pd.DataFrame:
    if not path.read_bytes().strip():
        return pd.DataFrame(columns=[*_NAMES, *_LABELS], dtype=str)
    try:
        return read_table_file(path)
    except BadData as error:
        raise BadChoice(f"{option}: {error}") from error


def _select_rows(table: pd.DataFrame, suggestion: str) -> pd.DataFrame:
    if "suggestion" not in table:
        return table
    chosen = table["suggestion"].str.lower() == suggestion
    # Photos to predict are never learned from.
    return table[chosen & (table["set"] == "train")] if "set" in table else table[chosen]


def _find_column(table: pd.DataFrame, names: Sequence[str], path: Path, option: str) -> str:
    if found := next((name for name in names if name in table), None):
        return found
    raise BadChoice(
        f"{path} has no column {' or '.join(names)}, which {option} needs: its columns are "
        f"{', '.join(map(str, table.columns))}."
    )


def _resolve_photos(tables: Tables, cells: pd.Series, column: str, path: Path) -> list[str]:
    """Return the ids of the photos that the cells name."""
    ids = list_photo_ids(tables)
    known = dict(zip(tables.train["path"] if column == "path" else ids, ids, strict=True))
    names = cells.tolist()
    if unknown := list(dict.fromkeys(name for name in names if name not in known)):
        near = difflib.get_close_matches(unknown[0], known, n=1, cutoff=0.6)
        hint = f"did you mean {near[0]}?" if near else f"correct the column {column}, or remove these rows."
        raise BadChoice(f"{path} names {describe_ids(unknown)} that the photos to train on do not include: {hint}")
    return [known[name] for name in names]


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
