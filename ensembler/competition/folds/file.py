"""The file ``folds.csv``, which is made once, shared by all members, and never silently replaced."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import BadChoice, BadData, Mismatch, format_count
from ...paths import CompetitionFolder
from ...storage import write_text
from ..csv_tables import format_table, read_table
from ..tables import Tables
from .assignment import assign_folds
from .folds import FALLBACK_FOLDS, Folds
from .splits import NOT_HELD_OUT

DEFAULT_FOLDS = 5


def build_folds(tables: Tables, folds: int | None, repeats: int | None, seed: int) -> Folds:
    """Make folds without saving them.

    Parameters
    ----------
    folds
        Number of folds of each repeat, at least 1. 1 holds out one fifth. None is 5.
    repeats
        Number of repeats, each with new folds. None is 1.
    seed
        Seed of the first repeat. Each repeat adds 1.
    """
    count, times = DEFAULT_FOLDS if folds is None else folds, 1 if repeats is None else repeats
    if count < 1:
        raise BadChoice(f"--folds must be at least 1, which holds out one fifth of the photos. Received: {count}")
    if times < 1:
        raise BadChoice(f"--repeats must be at least 1. Received: {times}")
    labels, groups = tables.train["label"], tables.train["group"]
    columns = [
        assign_folds(labels, groups, count if count > 1 else FALLBACK_FOLDS, seed + repeat) for repeat in range(times)
    ]
    assigned = np.stack(columns, axis=1)
    return Folds(assigned if count > 1 else np.where(assigned == 0, 0, NOT_HELD_OUT), count, labels, groups)


def build_held_out_fold(tables: Tables, folder: str) -> Folds:
    """Make one fold of the training photos below ``folder``, without saving it. The other photos are never held out.

    Photos of their groups are held out with them. ``folder`` is relative to the folder of the photos.
    """
    train = tables.train
    inside = train["path"].str.startswith(folder.removeprefix("./").rstrip("/") + "/")
    groups = set(train.loc[inside, "group"]) - {""}
    held_out = (inside | train["group"].isin(groups)).to_numpy(dtype=bool)
    if not inside.any() or held_out.all():
        share = "none" if not inside.any() else "all"
        raise BadChoice(
            f"--hold-out must name a folder with some of the training photos of {tables.photos}. {folder!r} contains "
            f"{share} of them, or of their groups."
        )
    return Folds(np.where(held_out, 0, NOT_HELD_OUT)[:, np.newaxis], 1, train["label"], train["group"])


def load_or_make_folds(
    folder: CompetitionFolder, tables: Tables, folds: int | None = None, repeats: int | None = None, seed: int = 0
) -> Folds:
    """Return the competition's folds; make and save them if they do not exist.

    ``folds`` and ``repeats`` are requested numbers. None accepts any, and is the default of :func:`build_folds` for new
    folds. Requested numbers other than those on disk raise ``Mismatch``.
    """
    if not folder.folds.is_file():
        made = build_folds(tables, folds, repeats, seed)
        save_folds(folder, tables, made)
        return made
    existing = load_folds(folder, tables)
    for what, wanted, actual in (("fold", folds, existing.count), ("repeat", repeats, existing.repeats)):
        if wanted is not None and wanted < 1:
            raise BadChoice(f"--{what}s must be at least 1. Received: {wanted}")
        if wanted is not None and wanted != actual:
            raise Mismatch(
                f"{folder.folds} contains {format_count(range(actual), what)} instead of {wanted}: omit --{what}s, or "
                f"make new folds with `ensembler folds --{what}s {wanted}`, which lists the results that they "
                "invalidate."
            )
    return existing


def save_folds(folder: CompetitionFolder, tables: Tables, folds: Folds) -> None:
    """Write ``folds.csv``."""
    write_text(folder.folds, format_folds(tables, folds))


def format_folds(tables: Tables, folds: Folds) -> str:
    """Return the text of ``folds.csv``: id, fold, and fold_2, ... for repeats. Empty cells are never held out."""
    table = pd.DataFrame({"id": tables.train["id"]})
    for repeat in range(folds.repeats):
        assigned = folds.assigned[:, repeat]
        table[_name_column(repeat)] = np.where(assigned == NOT_HELD_OUT, "", assigned.astype(str))
    return format_table(table)


def load_folds(folder: CompetitionFolder, tables: Tables) -> Folds:
    """Read the folds, joined to the training table by id.

    Raises
    ------
    Mismatch
        If the ids differ, or a group is in several folds.
    BadData
        If the table is damaged.
    """
    try:
        table = read_table(folder.folds)
    except BadData as error:
        rule = "cannot be read as a CSV" if folder.folds.is_file() else "is missing"
        raise _make_damage_error(folder, rule) from error
    columns = [column for column in table.columns if column != "id"]
    if "id" not in table.columns or not columns or columns != [_name_column(repeat) for repeat in range(len(columns))]:
        raise _make_damage_error(folder, "must have the columns id and fold, and fold_2, ... for repeats")
    codes, cells = pd.factorize(table[columns].to_numpy().ravel())
    if not pd.Series(cells, dtype=str).str.fullmatch(r"\d{0,9}").all():
        raise _make_damage_error(folder, "must contain numbers from 0 as folds")
    values = np.array([int(cell or NOT_HELD_OUT) for cell in cells], dtype=np.int64)[codes].reshape(
        len(table), len(columns)
    )
    count = _count_folds(values)
    if not count:
        raise _make_damage_error(
            folder, "must number folds 0, 1, ... without a gap, or contain 0 and empty cells for one held-out fold"
        )
    ids, expected = table["id"].tolist(), tables.train["id"].tolist()
    # Sorting is needed only if the table was reordered.
    if ids != expected and sorted(ids) != sorted(expected):
        raise Mismatch(
            f"{folder.folds} {_describe_difference(ids, expected)} of {folder.train}: restore the file if it was "
            f"damaged, or make new folds with `ensembler folds --folds {count}`, then train members with --restart."
        )
    rows = pd.Index(ids).get_indexer(pd.Index(expected))
    folds = Folds(values[rows], count, tables.train["label"], tables.train["group"])
    _check_groups_are_whole(folds, folder)
    return folds


def _name_column(repeat: int) -> str:
    return f"fold_{repeat + 1}" if repeat else "fold"


def _make_damage_error(folder: CompetitionFolder, rule: str) -> BadData:
    return BadData(
        f"{folder.folds} {rule}: restore it, or make folds with `ensembler folds --folds 5` (members stay usable if "
        "these are the same folds as before)."
    )


def _describe_difference(ids: Sequence[str], expected: Sequence[str]) -> str:
    """Describe how the ids of the folds differ from those of the photos, each in one phrase."""
    if lacking := set(expected) - set(ids):
        return f"lacks {format_count(lacking, 'photo')} (first: {min(lacking)!r})"
    if unknown := set(ids) - set(expected):
        return f"contains {format_count(unknown, 'photo')} (first: {min(unknown)!r}) besides those"
    return "contains a photo twice, unlike the table"


def _count_folds(values: NDArray[np.int64]) -> int:
    """Return the number of folds, which all repeats share; 0 if the numbers are invalid."""
    count = int(values.max(initial=NOT_HELD_OUT)) + 1
    wanted = list(range(count)) if count > 1 else [NOT_HELD_OUT, 0]
    return count if all(sorted(set(column)) == wanted for column in values.T.tolist()) else 0


def _check_groups_are_whole(folds: Folds, folder: CompetitionFolder) -> None:
    """Refuse folds that split a group, because they were made before the groups were known."""
    by_group = pd.DataFrame(folds.assigned, index=folds.groups.index).groupby(folds.groups).nunique()
    split = (by_group > 1).any(axis=1).drop("", errors="ignore")
    if split.any():
        raise Mismatch(
            f"{folder.folds} splits {format_count(split[split], 'group')} of {folder.train} (first: "
            f"{split.idxmax()!r}): make new folds with `ensembler folds --folds {folds.count}`, then train members "
            "with --restart."
        )
