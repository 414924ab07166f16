"""Corrections of the training data of a member, their file, and the data after them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import BadData, Mismatch, format_count, format_first
from ...serialization import compute_fingerprint
from ..csv_tables import read_table, write_table
from ..folds.folds import Folds
from ..tables import Tables

COLUMNS = ("id", "suggestion", "new_label")


@dataclass(frozen=True)
class Corrections:
    """Photos that are not learned from, and photos that are learned from with another label.

    Attributes
    ----------
    excluded
        Ids of the photos that are not learned from, in the order of the training table.
    relabelled
        New labels by id, in the same order. None of these photos is excluded.
    """

    excluded: tuple[str, ...] = ()
    relabelled: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.excluded or self.relabelled)

    @property
    def fingerprint(self) -> str:
        """Hash of the content."""
        return compute_fingerprint([list(self.excluded), dict(self.relabelled)])

    def describe(self) -> str:
        """Return the numbers of photos in words, such as ``2 photos excluded, 1 photo relabelled``."""
        counts = ((self.excluded, "excluded"), (self.relabelled, "relabelled"))
        return ", ".join(f"{format_count(ids, 'photo')} {done}" for ids, done in counts if ids)


NO_CORRECTIONS = Corrections()


@dataclass(frozen=True)
class CorrectedData:
    """The data that a member or a meta-learner learns from.

    Attributes
    ----------
    tables
        Tables in which a relabelled photo has its new label, and an excluded photo none, so that nothing can depend on
        the label that it had.
    folds
        Folds whose training photos contain no excluded one. They hold out the same photos as without corrections.
    corrections
        The corrections that were applied.
    """

    tables: Tables
    folds: Folds
    corrections: Corrections = NO_CORRECTIONS

    @property
    def kept(self) -> NDArray[np.bool_]:
        """Mask of the photos that are not excluded, shape (photos,)."""
        return self.folds.kept

    @property
    def kept_tables(self) -> Tables:
        """The tables without the excluded photos."""
        train = self.tables.train
        return replace(self.tables, train=train[self.kept].reset_index(drop=True))


def list_photo_ids(tables: Tables) -> pd.Series:
    """Return the id of the photo of each row of the training table, which is the row's own id unless it is rotated."""
    ids = tables.train["id"]
    return ids.str.rpartition("@")[0] if tables.manifest.is_orientation else ids


def apply_corrections(tables: Tables, folds: Folds, corrections: Corrections) -> CorrectedData:
    """Return the data that is learned from.

    Raises
    ------
    Mismatch
        If a corrected photo is not in the training table.
    """
    if not corrections:
        return CorrectedData(tables, folds)
    ids = list_photo_ids(tables)
    if missing := sorted({*corrections.excluded, *corrections.relabelled} - set(ids)):
        raise Mismatch(
            f"The training table lacks {describe_ids(missing, 'corrected photo')}: train the members again with "
            "--restart."
        )
    excluded = ids.isin(corrections.excluded)
    labels = tables.train["label"].where(~ids.isin(corrections.relabelled), ids.map(dict(corrections.relabelled)))
    train = tables.train.assign(label=labels.where(~excluded, ""))
    learned = replace(folds, labels=train["label"], excluded=excluded.to_numpy(dtype=bool))
    return CorrectedData(replace(tables, train=train), learned, corrections)


def join_corrections(named: Mapping[str, Corrections], order: Sequence[str]) -> Corrections:
    """Return the corrections of several members together. A photo that one of them excludes is excluded.

    Parameters
    ----------
    named
        Corrections by the name of the member.
    order
        All ids in the order of the training table.

    Raises
    ------
    Mismatch
        If two members give a photo different labels.
    """
    excluded = {one for corrections in named.values() for one in corrections.excluded}
    labels: dict[str, tuple[str, str]] = {}
    for name, corrections in named.items():
        for identity, label in corrections.relabelled.items():
            other, known = labels.setdefault(identity, (name, label))
            if label != known and identity not in excluded:
                raise Mismatch(
                    f"{other} learned {identity!r} as {known!r} and {name} as {label!r}, so that they cannot be "
                    "stacked together: choose others with --members, or train one of them again with the other's "
                    "--relabel."
                )
    return Corrections(
        tuple(one for one in order if one in excluded),
        {one: labels[one][1] for one in order if one in labels and one not in excluded},
    )


def save_corrections(path: Path, corrections: Corrections) -> None:
    """Write corrections as a CSV, which ``--exclude`` and ``--relabel`` take too."""
    rows = [(one, "exclude", "") for one in corrections.excluded]
    rows += [(one, "relabel", label) for one, label in corrections.relabelled.items()]
    write_table(path, pd.DataFrame(rows, columns=list(COLUMNS), dtype=str))


def load_corrections(path: Path, fingerprint: str) -> Corrections:
    """Read the file of :func:`save_corrections`.

    Raises
    ------
    BadData
        If it is missing or damaged, or its content has another hash.
    """
    table = read_table(path)
    if tuple(table.columns) == COLUMNS:
        is_excluded = table["suggestion"] == "exclude"
        relabelled = table[~is_excluded]
        loaded = Corrections(
            tuple(table.loc[is_excluded, "id"]), dict(zip(relabelled["id"], relabelled["new_label"], strict=True))
        )
        if loaded.fingerprint == fingerprint:
            return loaded
    raise BadData(f"{path} was changed after training: restore it, or train the member again with --restart.")


def list_kept_copies(corrections: Corrections, duplicates: pd.DataFrame, known: Collection[str]) -> Iterator[str]:
    """Yield the ids of training photos that show the same picture as an excluded one, and are still learned from."""
    excluded = set(corrections.excluded)
    among = duplicates[duplicates["other_set"] == "train"]
    seen: set[str] = set()
    for one, other in zip(among["id"], among["other_id"], strict=True):
        for first, second in ((one, other), (other, one)):
            if first in excluded and second in known and second not in excluded | seen:
                seen.add(second)
                yield second


def describe_ids(ids: Sequence[str], word: str = "photo") -> str:
    """Return a number of photos with the first of them, such as ``2 photos (first: 'cat.1')``."""
    return f"{format_count(ids, word)} ({format_first([repr(one) for one in ids])})"
